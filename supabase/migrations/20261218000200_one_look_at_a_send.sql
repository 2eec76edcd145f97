-- What begins a call and what ends it, with fewer statements inside; the same transitions with the same answers, but
-- that a draft whose call begins is stored as `sending` at once.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.begin_send_4(
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
      insert into whatsapp.outbox as o (id, event_id, contact_id, part, body, state, attempts, begun_by, changed_at)
      values (p_send_id, p_event_id, p_contact_id, 0, p_body, 'sending', 1, p_fence, v_now)
      on conflict do nothing returning o.attempts into v_attempt;
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
comment on function whatsapp.begin_send_4(
  bigint, uuid, uuid, text, interval, interval, integer, interval, interval, bigint, uuid, uuid, timestamptz, text) is
  'The last check before a call, with its lease at least three quarters long. With p_body it notes that the turn is
logged and stores this answer of one part, or nothing when the lane is lost. Verdicts: go; probe (ask Graph first, then
again after the pause); settled (its outcome is known by now); pair and number (wait the pause, in seconds); lost.';

create function whatsapp.accepted_4(p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text)
returns table (closed boolean, state text, wamid text, accepted_at timestamptz, changed_at timestamptz)
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_contact_id bigint;
  v_send whatsapp.outbox;
  v_number whatsapp.numbers;
begin
  if p_alias_digits is not null then
    select c.id into v_contact_id from whatsapp.outbox as o join whatsapp.contacts as c on c.id = o.contact_id
    where o.id = p_send_id
      and c.alias_digits is distinct from p_alias_digits and c.wa_digits is distinct from p_alias_digits;
    if v_contact_id is not null then
      perform whatsapp.learn_alias(p_contact_id => v_contact_id, p_alias_digits => p_alias_digits);
    end if;
  end if;
  update whatsapp.outbox as o set
    state = 'accepted', wamid = coalesce(o.wamid, p_wamid), code = null, error = null,
    accepted_at = coalesce(o.accepted_at, v_now), changed_at = v_now
  where o.id = p_send_id and o.state in ('sending', 'unknown', 'unresolved', 'ready') returning o.* into v_send;
  if exists (select from whatsapp.statuses as s where s.wamid = p_wamid and not s.applied) then
    perform whatsapp.apply_statuses(array[p_send_id]);
    v_send.id := null; -- the statuses have changed it
  elsif v_send.id is null or exists (
    select from whatsapp.events as e where e.id = v_send.event_id and e.state in ('awaiting', 'unresolved')
  ) then
    perform whatsapp.resume(array[p_send_id]);
  end if;
  if v_send.id is null then
    select o.* into v_send from whatsapp.outbox as o where o.id = p_send_id;
  end if;
  select n.* into v_number from whatsapp.numbers as n where n.phone_number_id = p_phone_number_id;
  if v_number.circuit_open or v_number.unanswered > 0 or (v_number.strikes > 0 and v_number.paused_until <= v_now) then
    update whatsapp.numbers as n set circuit_open = false, strikes = 0, unanswered = 0, code = null, changed_at = v_now
    where n.phone_number_id = p_phone_number_id;
    perform whatsapp.wake_waiting('number');
  end if;
  return query select
    coalesce(v_number.circuit_open, false), v_send.state, v_send.wamid, v_send.accepted_at, v_send.changed_at;
end
$$;
comment on function whatsapp.accepted_4(uuid, text, text, text) is
  'Notes that Meta accepted a send, and under which wamid and alias (null when it is the number itself), also when
the lease is over. `closed` is true when this closed the number''s circuit; the rest is what the send is now, null when it was
deleted together with its account.';

grant execute on function whatsapp.begin_send_4(
  bigint, uuid, uuid, text, interval, interval, integer, interval, interval, bigint, uuid, uuid, timestamptz, text)
  to ava_whatsapp_gateway;
grant execute on function whatsapp.accepted_4(uuid, text, text, text) to ava_whatsapp_gateway;
