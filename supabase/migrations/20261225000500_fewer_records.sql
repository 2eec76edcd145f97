-- What PostgreSQL writes ahead beside the rows (docs/decisions/0178): `on conflict` writes a second record for each row,
-- and an update all that stands between the first and the last column that changes.
set lock_timeout = '5s';
set statement_timeout = '60s';

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
  begin
    insert into public.messages as m
      (id, user_id, avatar_id, channel, role, content, external_id, sent_at, created_at)
    values (
      coalesce(p_id, public.uuid_v7()), v_user_id, v_avatar_id,
      p_channel, p_role, p_content, p_external_id, p_sent_at, append.created_at)
    returning m.* into v_message;
    is_new := true;
  exception when unique_violation then
    is_new := false;
  end;
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

create or replace function whatsapp.begin_send_4(
  p_contact_id bigint, p_fence uuid, p_send_id uuid, p_phone_number_id text, p_lease interval, p_pair_gap interval,
  p_pair_burst integer, p_probe interval, p_unreachable_probe interval, p_event_id bigint, p_user_id uuid,
  p_avatar_id uuid, p_claimed_at timestamptz, p_body text
) returns table (verdict text, pause double precision, attempt integer, wa_digits text, bsuid text)
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_verdict text := 'go';
  v_pause double precision := 0;
  v_contact record;
  v_number record;
  v_slot timestamptz;
  v_attempt integer;
begin
  if not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease) then
    return query select 'lost', v_pause, 0, null::text, null::text;
    return;
  end if;
  -- The lane is locked, so nobody gives the contact another number until this is committed.
  select c.next_send_at, c.wa_digits, c.bsuid into v_contact from whatsapp.contacts as c where c.id = p_contact_id;
  v_slot := greatest(v_contact.next_send_at, v_now);
  if v_slot > v_now + p_pair_gap * (p_pair_burst - 1) then
    v_verdict := 'pair';
    v_pause := extract(epoch from v_slot - v_now - p_pair_gap * (p_pair_burst - 1));
  else
    select n.circuit_open, n.code, n.probe_at, n.paused_until into v_number
    from whatsapp.numbers as n where n.phone_number_id = p_phone_number_id;
    if v_number.circuit_open then
      update whatsapp.numbers as n
      set probe_at = v_now + case when v_number.code is null then p_unreachable_probe else p_probe end
      where n.phone_number_id = p_phone_number_id and n.circuit_open and n.probe_at <= v_now;
      if not found then
        v_verdict := 'number';
        v_pause := greatest(1, extract(epoch from v_number.probe_at - v_now));
      elsif v_number.code is null then
        v_verdict := 'probe';
        v_pause := extract(epoch from p_unreachable_probe);
      end if;
    elsif v_number.paused_until > v_now then
      v_verdict := 'number';
      v_pause := extract(epoch from v_number.paused_until - v_now);
    end if;
  end if;
  if p_body is not null then
    update whatsapp.events as e set
      user_id = p_user_id, avatar_id = p_avatar_id, claimed_at = coalesce(e.claimed_at, p_claimed_at),
      logged_at = coalesce(e.logged_at, v_now)
    where e.id = p_event_id;
    if v_verdict in ('go', 'probe') then
      -- Nobody else stores one meanwhile, because the lane is locked.
      if not exists (
        select from whatsapp.outbox as o where o.event_id = p_event_id and o.kind = 'answer' and o.part = 0
      ) then
        insert into whatsapp.outbox as o (id, event_id, contact_id, part, body, state, attempts, begun_by, changed_at)
        values (p_send_id, p_event_id, p_contact_id, 0, p_body, 'sending', 1, p_fence, v_now)
        returning o.attempts into v_attempt;
      end if;
    else
      insert into whatsapp.outbox (id, event_id, contact_id, part, body)
      values (p_send_id, p_event_id, p_contact_id, 0, p_body) on conflict do nothing;
    end if;
  end if;
  if v_verdict in ('go', 'probe') then
    if v_attempt is null then
      update whatsapp.outbox as o set
        state = 'sending', attempts = o.attempts + 1, begun_by = p_fence, changed_at = v_now
      where o.id = p_send_id and o.state = 'ready' returning o.attempts into v_attempt;
    end if;
    if v_attempt is null then
      v_verdict := 'settled';
      v_pause := 0;
    else
      update whatsapp.contacts as c set next_send_at = v_slot + p_pair_gap where c.id = p_contact_id;
    end if;
  end if;
  return query select v_verdict, v_pause, coalesce(v_attempt, 0), v_contact.wa_digits, v_contact.bsuid;
end
$$;

create or replace function whatsapp.finish_3(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_state text, p_reason text, p_lease interval,
  p_link_version bigint, p_is_last boolean
) returns text
language plpgsql set search_path = '' set enable_sort = off as $$
declare
  v_unchanged boolean;
begin
  if not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease) then
    return 'lost';
  end if;
  if p_state = 'awaiting' then
    -- Locked, so that a status that settles the send waits until it can see that the event waits for it.
    perform from whatsapp.outbox
    where event_id = p_event_id and kind = 'answer' and state in ('sending', 'unknown') for update;
    if not found then
      return 'again';
    end if;
  end if;
  -- A change that is being made holds this lane's lock until it is done, so none can come in between.
  select link_version = p_link_version into v_unchanged from whatsapp.contacts where id = p_contact_id;
  if p_state = 'held' and not v_unchanged then
    return 'again'; -- nothing would wake it again
  end if;
  -- What is done at once keeps when it was stored: that column stands far from the state.
  update whatsapp.events set state = p_state, reason = p_reason, changed_at = case
    when p_state = 'done' and changed_at > pg_catalog.statement_timestamp() - interval '1 minute' then changed_at
    else pg_catalog.clock_timestamp() end
  where id = p_event_id and state = 'ready';
  if p_state <> 'held' then
    update whatsapp.outbox set state = 'discarded', notice_day = null, changed_at = pg_catalog.clock_timestamp()
    where event_id = p_event_id and kind = 'notice' and state = 'ready';
  end if;
  if not v_unchanged then
    return 'changed';
  end if;
  if not p_is_last then
    return 'done';
  end if;
  -- A second statement, so that it sees what was committed while the first one waited.
  perform from whatsapp.events where contact_id = p_contact_id and state = 'ready' order by sent_at, id limit 1;
  if found then
    update whatsapp.lanes set token = null, due_at = pg_catalog.clock_timestamp(), waits_for = '', tries = 0
    where contact_id = p_contact_id;
    return 'due';
  end if;
  delete from whatsapp.lanes where contact_id = p_contact_id;
  return 'empty';
end
$$;

comment on column whatsapp.events.changed_at is
  'When the state changed last, or within a minute before: what is done at once keeps when it was stored.';
