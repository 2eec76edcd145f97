-- A number that was typed and never proven is not kept once its code is long worthless.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function profile.forget_unproven_numbers(p_keep interval, p_most integer)
returns table (forgotten bigint, oldest_seconds double precision)
language plpgsql security definer set search_path = '' as $$
begin
  with long_expired as (
    select p.user_id from public.user_preferences as p
    where p.whatsapp_pending_phone is not null and p.whatsapp_code_expires_at < pg_catalog.clock_timestamp() - p_keep
    order by p.user_id limit p_most for update skip locked
  )
  update public.user_preferences as p
  set whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null
  from long_expired where p.user_id = long_expired.user_id;
  get diagnostics forgotten = row_count;
  select greatest(0, coalesce(extract(epoch from
      pg_catalog.clock_timestamp() - min(p.whatsapp_code_expires_at)), 0))::double precision
    into oldest_seconds
    from public.user_preferences as p where p.whatsapp_pending_phone is not null;
  return next;
end
$$;
comment on function profile.forget_unproven_numbers(interval, integer) is
  'Deletes typed numbers whose code has been worthless for p_keep. How many, and how long the oldest left has been so.';
revoke all on function profile.forget_unproven_numbers(interval, integer)
  from public, anon, authenticated, service_role;
grant execute on function profile.forget_unproven_numbers(interval, integer) to ava_profile;
