-- What a message is written with and the newest page are planned once for each connection, and not at every call
-- (docs/decisions/0162): the roles' force_custom_plan holds inside their functions too. Release 0.1.0 calls none of this.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter function ava_private.own_account()
  set plan_cache_mode = 'force_generic_plan' set enable_seqscan = 'off';

create or replace function ava_private.own_avatar() returns uuid
language plpgsql volatile security definer set search_path = ''
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = 'off' as $$
declare
  v_avatar_id uuid;
begin
  select a.id into v_avatar_id from public.avatars as a where a.user_id = auth.uid() for key share;
  return v_avatar_id;
end
$$;

create or replace function messaging.next_created_at(p_user_id uuid, p_wanted timestamptz) returns timestamptz
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = 'force_generic_plan' set enable_sort = 'off' as $$
declare
  v_is_locked boolean;
  v_next timestamptz;
begin
  -- An expression, and so not a statement of its own.
  v_is_locked :=
    pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('messaging.log ' || p_user_id, 0)) is not null;
  -- A later statement, so that it sees what was committed while the lock was waited for.
  select m.created_at + interval '1 microsecond' into v_next from public.messages as m
  where m.user_id = p_user_id order by m.created_at desc, m.id desc limit 1;
  return greatest(p_wanted, v_next);
end
$$;

create or replace function messaging.append(
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
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = 'off' as $$
declare
  v_claims constant text[] := array[
    pg_catalog.set_config('role', 'ava_messaging', true),
    pg_catalog.set_config('request.jwt.claims', p_claims, true),
    pg_catalog.set_config('request.jwt.claim.sub', '', true),
    pg_catalog.set_config('request.jwt.claim', '', true)];
  v_user_id constant uuid := ava_private.own_account();
  v_avatar_id uuid := p_avatar_id;
  v_message public.messages;
begin
  if p_own_avatar and p_avatar_id is null then
    v_avatar_id := ava_private.own_avatar();
  end if;
  created_at := messaging.next_created_at(
    p_user_id => v_user_id, p_wanted => coalesce(p_wanted, pg_catalog.clock_timestamp()));
  insert into public.messages as m
    (id, user_id, avatar_id, channel, role, content, external_id, sent_at, created_at)
  values (
    coalesce(p_id, public.uuid_v7()), v_user_id, v_avatar_id,
    p_channel, p_role, p_content, p_external_id, p_sent_at, append.created_at)
  on conflict do nothing returning m.* into v_message;
  is_new := found;
  if not is_new then
    -- Rare, and which index is the right one depends on the values: planned for them.
    execute 'select m.* from public.messages as m where m.user_id = $1 and (m.id = $2 or m.external_id = $3)
      order by (m.id = $2) is true desc limit 1'
    into v_message using v_user_id, p_id, p_external_id;
    if v_message.id is null then
      perform ava_private.own_account(); -- deleted since, and the message with it
    end if;
  end if;
  id := v_message.id;
  avatar_id := v_message.avatar_id;
  channel := v_message.channel;
  role := v_message.role;
  content := v_message.content;
  created_at := v_message.created_at;
  external_id := v_message.external_id;
  sent_at := v_message.sent_at;
  edited_at := v_message.edited_at;
  deleted_at := v_message.deleted_at;
  return next;
end
$$;

create function messaging.newest_page(
  p_claims text,
  p_before_created_at timestamptz,
  p_before_id uuid,
  p_limit integer
) returns text[]
language plpgsql volatile security invoker set search_path = ''
set plan_cache_mode = 'force_generic_plan' set enable_sort = 'off' as $$
declare
  v_claims constant text[] := array[
    pg_catalog.set_config('role', 'ava_messaging', true),
    pg_catalog.set_config('request.jwt.claims', p_claims, true),
    pg_catalog.set_config('request.jwt.claim.sub', '', true),
    pg_catalog.set_config('request.jwt.claim', '', true)];
  v_user_id constant uuid := (p_claims::jsonb ->> 'sub')::uuid;
  -- Variables: an expression in their place would not be leakproof, and so no condition of the index.
  v_before_created_at constant timestamptz := coalesce(p_before_created_at, 'infinity');
  v_before_id constant uuid := coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  v_utc constant text := '\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"';
  v_page constant text[] := array(
    -- As row_to_json would, for a seventh less of the whole call; services/messaging/tests/test_page_body.py compares.
    select '{"id":"' || m.id
      || '","avatar_id":' || coalesce('"' || m.avatar_id || '"', 'null')
      || ',"channel":"' || m.channel
      || '","role":"' || m.role
      || '","content":' || pg_catalog.to_json(m.content)
      || ',"created_at":' || replace(to_char(m.created_at at time zone 'UTC', v_utc), '.000000', '')
      || ',"external_id":' || coalesce(pg_catalog.to_json(m.external_id)::text, 'null')
      || ',"sent_at":' || coalesce(replace(to_char(m.sent_at at time zone 'UTC', v_utc), '.000000', ''), 'null')
      || ',"edited_at":' || coalesce(replace(to_char(m.edited_at at time zone 'UTC', v_utc), '.000000', ''), 'null')
      || ',"deleted_at":' || coalesce(replace(to_char(m.deleted_at at time zone 'UTC', v_utc), '.000000', ''), 'null')
      || '}'
    from public.messages as m
    where m.user_id = v_user_id and (m.created_at, m.id) < (v_before_created_at, v_before_id)
    order by m.created_at desc, m.id desc limit p_limit);
begin
  -- After the rows, so that an account deleted before they were read cannot look like one with an empty log.
  perform ava_private.own_account();
  return v_page;
end
$$;
comment on function messaging.newest_page(text, timestamptz, uuid, integer) is
  'The caller''s newest messages, or those before one of them, each as the JSON that the service shows; no_data_found when
the account was deleted. Claims and question travel together, and are gone with the transaction. Runs with its caller''s
rights, so that grants and row-level security decide as in any statement. Its only plan reads the index in its order:
without a sort there is one such index.';
revoke execute on function messaging.newest_page(text, timestamptz, uuid, integer)
  from public, anon, authenticated, service_role;
grant execute on function messaging.newest_page(text, timestamptz, uuid, integer) to ava_messaging;
