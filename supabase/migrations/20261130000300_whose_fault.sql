-- What was never called is not unknown, a Graph API that is away opens the circuit of the number, and lanes that wait
-- for a service are woken when it is back (docs/decisions/0105 to 0107). Functions that do something else than those
-- of 0.1.0 have names of their own; what 0.1.0 begins has no `begun_by`, and is found out as before.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- 1. Waking -------------------------------------------------------------------------------------------------------

create function whatsapp.wake_waiting(p_waits_for text) returns integer
language sql set search_path = '' as $$
  with woken as (
    update whatsapp.lanes as lane set due_at = pg_catalog.clock_timestamp(), waits_for = ''
    where lane.contact_id in (
      select l.contact_id from whatsapp.lanes as l
      where l.waits_for = p_waits_for and l.waits_for <> '' and l.token is null
      order by l.contact_id for update skip locked)
    returning 1
  )
  select pg_catalog.count(*)::integer from woken
$$;
comment on function whatsapp.wake_waiting(text) is
  'All lanes that wait for this are due; the number of them. Locks none that another worker has locked.';

create function whatsapp.probe_waiting(p_shared text) returns integer
language sql set search_path = '' as $$
  with probing as (
    update whatsapp.lanes as lane set due_at = pg_catalog.clock_timestamp()
    where lane.contact_id in (
      select l.contact_id from whatsapp.lanes as l
      where l.token is null and l.contact_id in (
        select distinct on (w.waits_for) w.contact_id from whatsapp.lanes as w
        where w.waits_for <> '' and w.token is null and pg_catalog.starts_with(w.waits_for, p_shared)
        order by w.waits_for, w.due_at)
      for update skip locked)
      and lane.due_at > pg_catalog.clock_timestamp()
    returning 1
  )
  select pg_catalog.count(*)::integer from probing
$$;
comment on function whatsapp.probe_waiting(text) is
  'One lane of those that wait for the same is due, for each thing beginning with this word: it finds out whether that
is back. The number of them.';

-- 2. Sending ------------------------------------------------------------------------------------------------------

create function whatsapp.begin_send_2(
  p_contact_id bigint, p_fence uuid, p_send_id uuid, p_phone_number_id text, p_lease interval, p_pair_gap interval,
  p_pair_burst integer, p_probe interval, p_unreachable_probe interval
) returns table (verdict text, pause double precision, attempt integer)
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_number whatsapp.numbers;
  v_slot timestamptz;
  v_attempt integer;
  v_probe interval;
begin
  if not whatsapp.hold(p_contact_id, p_fence, p_lease) then
    return query select 'lost', 0.0::double precision, 0;
    return;
  end if;
  select greatest(c.next_send_at, v_now) into v_slot from whatsapp.contacts as c where c.id = p_contact_id;
  if v_slot > v_now + p_pair_gap * (p_pair_burst - 1) then
    return query
      select 'pair', extract(epoch from v_slot - v_now - p_pair_gap * (p_pair_burst - 1))::double precision, 0;
    return;
  end if;
  select * into v_number from whatsapp.numbers as n where n.phone_number_id = p_phone_number_id;
  if v_number.circuit_open then
    v_probe := case when v_number.code is null then p_unreachable_probe end;
    update whatsapp.numbers as n set probe_at = v_now + coalesce(v_probe, p_probe)
    where n.phone_number_id = p_phone_number_id and n.circuit_open and n.probe_at <= v_now;
    if not found then
      return query
        select 'number', greatest(1, extract(epoch from v_number.probe_at - v_now))::double precision, 0;
      return;
    end if;
  elsif v_number.paused_until > v_now then
    return query select 'number', extract(epoch from v_number.paused_until - v_now)::double precision, 0;
    return;
  end if;
  update whatsapp.outbox as o set
    state = 'sending', attempts = o.attempts + 1, begun_by = p_fence, changed_at = v_now
  where o.id = p_send_id and o.state = 'ready' returning o.attempts into v_attempt;
  if v_attempt is null then
    return query select 'settled', 0.0::double precision, 0;
    return;
  end if;
  update whatsapp.contacts as c set next_send_at = v_slot + p_pair_gap where c.id = p_contact_id;
  return query select case when v_probe is null then 'go' else 'probe' end,
    coalesce(extract(epoch from v_probe), 0)::double precision, v_attempt;
end
$$;
comment on function whatsapp.begin_send_2(
  bigint, uuid, uuid, text, interval, interval, integer, interval, interval) is
  'The last word before a call. go: call now, this is that attempt. probe: the same, but ask first whether the Graph API
answers, and if not wait `pause` seconds. lost: the lane is another worker''s. pair, number: wait `pause` seconds.
settled: no call is needed any more.';

create function whatsapp.not_called(p_contact_id bigint, p_fence uuid, p_send_id uuid, p_attempt integer)
returns boolean
language plpgsql set search_path = '' as $$
begin
  -- The worker that begins holds this lock until the commit: what was begun without a word to us is seen here.
  perform from whatsapp.lanes where contact_id = p_contact_id for update;
  update whatsapp.outbox set state = 'ready', error = 'never called', changed_at = pg_catalog.clock_timestamp()
  where id = p_send_id and attempts = p_attempt and begun_by = p_fence
    and state in ('sending', 'unknown', 'unresolved');
  if found then
    perform whatsapp.resume(array[p_send_id]);
  end if;
  return found;
end
$$;
comment on function whatsapp.not_called(bigint, uuid, uuid, integer) is
  'A fact that only the worker who began this attempt knows: it was never called, and the send is ready again. False
when nothing had been begun.';

create function whatsapp.accepted_2(p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text)
returns boolean
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_number whatsapp.numbers;
begin
  update whatsapp.outbox set
    state = 'accepted', wamid = coalesce(wamid, p_wamid), code = null, error = null,
    accepted_at = coalesce(accepted_at, pg_catalog.clock_timestamp()), changed_at = pg_catalog.clock_timestamp()
  where id = p_send_id and state in ('sending', 'unknown', 'unresolved', 'ready');
  if p_alias_digits is not null then
    update whatsapp.contacts as c set alias_digits = p_alias_digits
    from whatsapp.outbox as o
    where o.id = p_send_id and c.id = o.contact_id and c.alias_digits is distinct from p_alias_digits
      and c.wa_digits is distinct from p_alias_digits;
  end if;
  if exists (select from whatsapp.statuses where wamid = p_wamid and not applied) then
    perform whatsapp.apply_statuses(array[p_send_id]);
  else
    perform whatsapp.resume(array[p_send_id]);
  end if;
  select * into v_number from whatsapp.numbers where phone_number_id = p_phone_number_id;
  if v_number.circuit_open or v_number.unanswered > 0 or (v_number.strikes > 0 and v_number.paused_until <= v_now) then
    update whatsapp.numbers set circuit_open = false, strikes = 0, unanswered = 0, code = null, changed_at = v_now
    where phone_number_id = p_phone_number_id;
    perform whatsapp.wake_waiting('number');
  end if;
  return coalesce(v_number.circuit_open, false);
end
$$;
comment on function whatsapp.accepted_2(uuid, text, text, text) is
  'A fact, no matter who holds the lane by now: the call was accepted, so the Graph API answers. True when this closed
the number''s circuit.';

create function whatsapp.unanswered(p_phone_number_id text, p_most integer, p_probe interval) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_number whatsapp.numbers;
begin
  insert into whatsapp.numbers as n (phone_number_id, unanswered) values (p_phone_number_id, 1)
  on conflict (phone_number_id) do update set unanswered = n.unanswered + 1, changed_at = v_now
  returning n.* into v_number;
  if v_number.unanswered < p_most then
    return false;
  end if;
  update whatsapp.numbers set
    circuit_open = true, probe_at = greatest(probe_at, v_now + p_probe),
    code = case when circuit_open then code end
  where phone_number_id = p_phone_number_id;
  return not v_number.circuit_open;
end
$$;
comment on function whatsapp.unanswered(text, integer, interval) is
  'A call of this number had no answer. After so many in a row the circuit opens; true when this one opened it.';

create function whatsapp.answered(p_phone_number_id text) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_closes boolean;
begin
  select n.circuit_open and n.code is null into v_closes from whatsapp.numbers as n
  where n.phone_number_id = p_phone_number_id and n.unanswered > 0 for update;
  if not found then
    return false;
  end if;
  update whatsapp.numbers set
    unanswered = 0, circuit_open = circuit_open and not v_closes, changed_at = pg_catalog.clock_timestamp()
  where phone_number_id = p_phone_number_id;
  if v_closes then
    perform whatsapp.wake_waiting('number');
  end if;
  return v_closes;
end
$$;
comment on function whatsapp.answered(text) is
  'The Graph API answered with a document of its own, though it did not accept. True when this closed a circuit that had
been opened because it did not answer; one that a broken credential opened stays open.';

revoke all on function whatsapp.wake_waiting(text) from public, anon, authenticated, service_role;
revoke all on function whatsapp.probe_waiting(text) from public, anon, authenticated, service_role;
revoke all on function whatsapp.begin_send_2(bigint, uuid, uuid, text, interval, interval, integer, interval, interval)
  from public, anon, authenticated, service_role;
revoke all on function whatsapp.not_called(bigint, uuid, uuid, integer) from public, anon, authenticated, service_role;
revoke all on function whatsapp.accepted_2(uuid, text, text, text) from public, anon, authenticated, service_role;
revoke all on function whatsapp.unanswered(text, integer, interval) from public, anon, authenticated, service_role;
revoke all on function whatsapp.answered(text) from public, anon, authenticated, service_role;
grant execute on function whatsapp.wake_waiting(text) to ava_whatsapp_gateway;
grant execute on function whatsapp.probe_waiting(text) to ava_whatsapp_gateway;
grant execute on function
  whatsapp.begin_send_2(bigint, uuid, uuid, text, interval, interval, integer, interval, interval)
  to ava_whatsapp_gateway;
grant execute on function whatsapp.not_called(bigint, uuid, uuid, integer) to ava_whatsapp_gateway;
grant execute on function whatsapp.accepted_2(uuid, text, text, text) to ava_whatsapp_gateway;
grant execute on function whatsapp.unanswered(text, integer, interval) to ava_whatsapp_gateway;
grant execute on function whatsapp.answered(text) to ava_whatsapp_gateway;
