-- A message is written in fewer steps (docs/decisions/0185): one look at the account and the avatar, the order of the log
-- inside of the function, nothing read back of what the service has sent. Plans are kept as the role of
-- messaging has it (0183); each setting of a function costs a microsecond of its call. An addition only: older releases go
-- on with messaging.append, under the same lock.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function ava_private.own_ids(p_with_avatar boolean) returns uuid[]
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_user_id constant uuid := auth.uid();
  v_ids uuid[];
begin
  select array[u.id, a.id] into v_ids from auth.users as u left join lateral (
    select own.id from public.avatars as own where p_with_avatar and own.user_id = v_user_id for key share
  ) as a on true
  where u.id = v_user_id and u.deleted_at is null;
  if v_ids is null then
    raise exception 'the account is gone' using errcode = 'no_data_found';
  end if;
  return v_ids;
end
$$;
comment on function ava_private.own_ids(boolean) is
  'The id of the user whom the claims name and, if it is asked for, that of their avatar, null without one, which is kept
from being deleted until the transaction ends; no_data_found when the account was deleted. Answers about the caller and
nobody else.';
revoke all on function ava_private.own_ids(boolean) from public, anon, authenticated, service_role;
grant execute on function ava_private.own_ids(boolean) to ava_messaging;

create function messaging.append_2(
  p_claims text,
  p_id uuid,
  p_avatar_id uuid,
  p_own_avatar boolean,
  p_channel text,
  p_role text,
  p_content text,
  p_external_id text,
  p_sent_at timestamptz,
  p_wanted timestamptz
) returns text[]
language plpgsql volatile security invoker set search_path = '' set enable_sort = 'off' as $$
declare
  v_claims constant text[] := array[
    pg_catalog.set_config('role', 'ava_messaging', true),
    pg_catalog.set_config('request.jwt.claims', p_claims, true),
    pg_catalog.set_config('request.jwt.claim.sub', '', true),
    pg_catalog.set_config('request.jwt.claim', '', true)];
  v_own constant uuid[] := ava_private.own_ids(p_with_avatar => p_own_avatar and p_avatar_id is null);
  v_user_id constant uuid := v_own[1];
  v_avatar_id constant uuid := coalesce(p_avatar_id, v_own[2]);
  -- An expression, and so not a statement of its own.
  v_is_locked constant boolean :=
    pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('messaging.log ' || v_user_id, 0)) is not null;
  v_next timestamptz;
  v_created_at timestamptz;
begin
  -- A later statement than the lock, so that it sees what was committed while that was waited for.
  select m.created_at + interval '1 microsecond' into v_next from public.messages as m
  where m.user_id = v_user_id order by m.created_at desc, m.id desc limit 1;
  v_created_at := greatest(coalesce(p_wanted, pg_catalog.clock_timestamp()), v_next);
  begin
    insert into public.messages
      (id, user_id, avatar_id, channel, role, content, external_id, sent_at, created_at)
    values (p_id, v_user_id, v_avatar_id, p_channel, p_role, p_content, p_external_id, p_sent_at, v_created_at);
  exception when unique_violation then
    return null;
  end;
  -- One value: a row of columns would cost a twentieth more of the call.
  return array[extract(epoch from v_created_at)::text, v_avatar_id::text];
end
$$;
comment on function messaging.append_2(
  text, uuid, uuid, boolean, text, text, text, text, timestamptz, timestamptz
) is 'Writes a message of the caller, once: when it stands in the log (seconds since 1970) and to which avatar, all
that the service does not know; null when its id or external id is taken. The time is the wanted one, but always after the newest,
and until the transaction ends no other message of the user is written. Claims and message travel together, and the claims
are gone with the transaction. Runs with its caller''s rights, so that grants and row-level security decide as in any
statement.';
revoke execute on function messaging.append_2(
  text, uuid, uuid, boolean, text, text, text, text, timestamptz, timestamptz
) from public, anon, authenticated, service_role;
grant execute on function messaging.append_2(
  text, uuid, uuid, boolean, text, text, text, text, timestamptz, timestamptz
) to ava_messaging;
