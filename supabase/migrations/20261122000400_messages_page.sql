-- One page of the log in one round trip: the caller's claims and their question travel together.
set lock_timeout = '5s';
set statement_timeout = '60s';

create schema messaging;
revoke all on schema messaging from public;
grant usage on schema messaging to ava_messaging;

-- Runs with the rights of who calls it, so grants and policies decide exactly as they do in a transaction of four
-- statements. Claims and role are local to the statement's own transaction. A filter that is null is dropped
-- before planning (custom plans), so every combination finds its index.
create function messaging.page(
  claims text,
  newest_first boolean,
  only_channel text,
  only_role text,
  only_avatar uuid,
  only_since timestamptz,
  only_until timestamptz,
  only_like text,
  after_moment timestamptz,
  after_id uuid,
  most integer
) returns setof public.messages
language plpgsql volatile security invoker set search_path = '' as $$
declare
  me uuid;
begin
  perform pg_catalog.set_config('role', 'ava_messaging', true),
          pg_catalog.set_config('request.jwt.claims', claims, true);
  me := (claims::jsonb ->> 'sub')::uuid;
  if newest_first then
    return query select * from public.messages as m
      where m.user_id = me
        and (only_channel is null or m.channel = only_channel) and (only_role is null or m.role = only_role)
        and (only_avatar is null or m.avatar_id = only_avatar)
        and (only_since is null or m.created_at >= only_since)
        and (only_until is null or m.created_at < only_until)
        and (only_like is null or m.content ilike only_like)
        and (after_moment is null or (m.created_at, m.id) < (after_moment, after_id))
      order by m.created_at desc, m.id desc limit most;
  else
    return query select * from public.messages as m
      where m.user_id = me
        and (only_channel is null or m.channel = only_channel) and (only_role is null or m.role = only_role)
        and (only_avatar is null or m.avatar_id = only_avatar)
        and (only_since is null or m.created_at >= only_since)
        and (only_until is null or m.created_at < only_until)
        and (only_like is null or m.content ilike only_like)
        and (after_moment is null or (m.created_at, m.id) > (after_moment, after_id))
      order by m.created_at, m.id limit most;
  end if;
end
$$;
comment on function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) is 'Runs as its caller: row-level security decides, as everywhere.';
revoke all on function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) from public, anon, authenticated, service_role;
grant execute on function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) to ava_messaging;
