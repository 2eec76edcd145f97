-- A deleted account is gone in the statement that reads or changes its rows, although its tokens live on for a while.
-- Additions only: release 0.1.0 calls none of this (docs/decisions/0112).
set lock_timeout = '5s';
set statement_timeout = '60s';

create function ava_private.own_account() returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_user_id constant uuid := auth.uid();
begin
  if not exists (select from auth.users as u where u.id = v_user_id and u.deleted_at is null) then
    raise exception 'the account is gone' using errcode = 'no_data_found';
  end if;
  return v_user_id;
end
$$;
comment on function ava_private.own_account() is
  'The id of the user whom the claims name; no_data_found when that account was deleted. It is part of the statement
that it guards, so both see the same moment. Answers about the caller and nobody else.';
revoke all on function ava_private.own_account() from public, anon, authenticated, service_role;
grant usage on schema ava_private to ava_profile, ava_messaging;
grant execute on function ava_private.own_account() to ava_profile, ava_messaging;

-- As messaging.page, for an account that exists; the claims of an older form, which auth.uid() would read first, are
-- cleared (docs/decisions/0116).
create function messaging.page_2(
  p_claims text,
  p_newest_first boolean,
  p_channel text,
  p_role text,
  p_avatar_id uuid,
  p_since timestamptz,
  p_until timestamptz,
  p_like text,
  p_after_created_at timestamptz,
  p_after_id uuid,
  p_limit integer
) returns setof public.messages
language plpgsql volatile security invoker set search_path = '' as $$
declare
  v_user_id uuid;
begin
  perform pg_catalog.set_config('role', 'ava_messaging', true),
          pg_catalog.set_config('request.jwt.claims', p_claims, true),
          pg_catalog.set_config('request.jwt.claim.sub', '', true),
          pg_catalog.set_config('request.jwt.claim', '', true);
  v_user_id := (p_claims::jsonb ->> 'sub')::uuid;
  return query select * from public.messages as m
    where m.user_id = v_user_id
      and (p_channel is null or m.channel = p_channel) and (p_role is null or m.role = p_role)
      and (p_avatar_id is null or m.avatar_id = p_avatar_id)
      and (p_since is null or m.created_at >= p_since)
      and (p_until is null or m.created_at < p_until)
      and (p_like is null or m.content ilike p_like)
      and (p_after_created_at is null
        or (p_newest_first and (m.created_at, m.id) < (p_after_created_at, p_after_id))
        or (not p_newest_first and (m.created_at, m.id) > (p_after_created_at, p_after_id)))
    order by
      case when p_newest_first then m.created_at end desc, case when p_newest_first then m.id end desc,
      case when not p_newest_first then m.created_at end, case when not p_newest_first then m.id end
    limit p_limit;
  -- After the rows, so that an account deleted before they were read cannot look like one with an empty log.
  perform ava_private.own_account();
end
$$;
comment on function messaging.page_2(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) is 'One page of the caller''s messages in one round trip; no_data_found when the account was deleted. Claims and
question travel together, and are gone with the transaction. Runs with its caller''s rights, so that grants and row-level
security decide as in any statement.';
revoke all on function messaging.page_2(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) from public, anon, authenticated, service_role;
grant execute on function messaging.page_2(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) to ava_messaging;
