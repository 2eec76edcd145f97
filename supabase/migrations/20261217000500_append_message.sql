-- A message is written in one statement, claims included (docs/decisions/0155). An addition only: release 0.1.0 does not
-- call it.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function messaging.append(
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
) returns table (
  is_new boolean, id uuid, avatar_id uuid, channel text, role text, content text, created_at timestamptz,
  external_id text, sent_at timestamptz, edited_at timestamptz, deleted_at timestamptz
)
language plpgsql volatile security invoker set search_path = '' as $$
declare
  v_user_id uuid;
  v_message public.messages;
begin
  perform pg_catalog.set_config('role', 'ava_messaging', true),
          pg_catalog.set_config('request.jwt.claims', p_claims, true),
          pg_catalog.set_config('request.jwt.claim.sub', '', true),
          pg_catalog.set_config('request.jwt.claim', '', true);
  v_user_id := ava_private.own_account();
  insert into public.messages as m
    (id, user_id, avatar_id, channel, role, content, external_id, sent_at, created_at)
  values (
    coalesce(p_id, pg_catalog.gen_random_uuid()), v_user_id,
    case when p_own_avatar then coalesce(p_avatar_id, ava_private.own_avatar()) else p_avatar_id end,
    p_channel, p_role, p_content, p_external_id, p_sent_at,
    messaging.next_created_at(
      p_user_id => v_user_id, p_wanted => coalesce(p_wanted, pg_catalog.clock_timestamp())))
  on conflict do nothing returning m.* into v_message;
  is_new := found;
  if not is_new then
    select m.* into v_message from public.messages as m
    where m.user_id = v_user_id and (m.id = p_id or m.external_id = p_external_id)
    order by (m.id = p_id) is true desc limit 1;
    if not found then
      perform ava_private.own_account(); -- deleted since, and the message with it
    end if;
  end if;
  return query select is_new, v_message.id, v_message.avatar_id, v_message.channel, v_message.role,
    v_message.content, v_message.created_at, v_message.external_id, v_message.sent_at, v_message.edited_at,
    v_message.deleted_at;
end
$$;
comment on function messaging.append(
  text, uuid, uuid, boolean, text, text, text, text, timestamptz, timestamptz
) is 'Writes a message of the caller, once: is_new, and the message; when its id or external id is taken, the one that has
it, or nothing when that is another user''s. Claims and message travel together, and the claims are gone with the
transaction. Runs with its caller''s rights, so that grants and row-level security decide as in any statement.';
revoke execute on function messaging.append(
  text, uuid, uuid, boolean, text, text, text, text, timestamptz, timestamptz
) from public, anon, authenticated, service_role;
grant execute on function messaging.append(
  text, uuid, uuid, boolean, text, text, text, text, timestamptz, timestamptz
) to ava_messaging;
