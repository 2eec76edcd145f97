-- One convention for functions: parameters begin with p_, variables with v_, and services call them by parameter name.
-- Nothing else changes. Names of parameters cannot be replaced, so each function is dropped and made again, with the
-- same types in the same order: release 0.1.0 calls them by position. That is allowed this once (docs/decisions/0091).
-- squawk-ignore-file ban-drop-function
set lock_timeout = '5s';
set statement_timeout = '60s';

drop function ava_private.users_for_phones(text[], text);
drop function whatsapp.names_in(bytea);
drop function whatsapp.wake(bigint[], boolean);
drop function whatsapp.claim(integer, interval);
drop function whatsapp.hold(bigint, uuid, interval);
drop function whatsapp.release(bigint, uuid, interval, text);
drop function whatsapp.begin_send(bigint, uuid, uuid, text, interval, interval, integer, interval);
drop function whatsapp.apply_statuses(uuid[]);
drop function whatsapp.resume(uuid[]);
drop function whatsapp.settle(integer);
drop function whatsapp.accepted(uuid, text, text, text);
drop function whatsapp.not_sent(uuid, integer, text, boolean, integer, text);
drop function whatsapp.finish(bigint, uuid, bigint, text, text, interval, bigint);
drop function whatsapp.between_links(text[]);
drop function accounts.alone_with(text, text);
drop function accounts.attempt(text, text, text, integer, integer, interval, interval);
drop function accounts.forgive(text, text, text, interval);
drop function accounts.forget(integer);
drop function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer);

-- 1. Whose number is this? ----------------------------------------------------------------------------------------

create function ava_private.users_for_phones(p_candidates text[], p_code text default null)
returns table (phone text, user_id uuid, confirmed boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_numbers constant text[] := array(
    select distinct '+' || pg_catalog.ltrim(candidate, '+') from pg_catalog.unnest(p_candidates) as candidate
  );
  v_asked record;
  v_proven uuid;
begin
  if p_code is not null then
    for v_asked in
      select p.user_id, p.whatsapp_pending_phone, p.whatsapp_code_hash
      from public.user_preferences as p
      where p.whatsapp_pending_phone = any (v_numbers)
        and p.whatsapp_code_expires_at > pg_catalog.now()
        and p.whatsapp_code_attempts < 5
      order by p.user_id
      for update
    loop
      if v_proven is null and v_asked.whatsapp_code_hash = pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(v_asked.user_id::text || ':' || p_code, 'UTF8')), 'hex')
      then
        v_proven := v_asked.user_id;
        -- Who holds the phone outranks who only typed its number.
        update public.user_preferences as p set whatsapp_phone = null, whatsapp_linked_at = null
        where p.whatsapp_phone = v_asked.whatsapp_pending_phone and p.user_id <> v_proven;
        update public.user_preferences as p
        set whatsapp_phone = v_asked.whatsapp_pending_phone, whatsapp_linked_at = pg_catalog.now(),
            whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null
        where p.user_id = v_proven;
      else
        update public.user_preferences as p set whatsapp_code_attempts = p.whatsapp_code_attempts + 1
        where p.user_id = v_asked.user_id;
      end if;
    end loop;
  end if;
  return query
    select p.whatsapp_phone, p.user_id, p.user_id is not distinct from v_proven
    from public.user_preferences as p
    where p.whatsapp_phone = any (v_numbers);
end
$$;
comment on function ava_private.users_for_phones(text[], text) is
  'Linked numbers among the candidates and whose they are: the one look-up past row-level security. With a code
that was asked for from one of them, within ten minutes and five attempts, the link is made first.';
revoke all on function ava_private.users_for_phones(text[], text) from public, anon, authenticated;
grant execute on function ava_private.users_for_phones(text[], text) to service_role;

-- 2. The names in a delivery --------------------------------------------------------------------------------------

-- Ten digits that begin with 1 are a moment and never a number. Split at the quotes first: one expression over the
-- whole body takes a millisecond a message.
create function whatsapp.names_in(p_json bytea) returns text[]
language sql stable strict parallel safe set search_path = '' as $$
  select coalesce(pg_catalog.array_agg(distinct pg_catalog.ltrim(piece, '+')), '{}')
  from pg_catalog.unnest(pg_catalog.string_to_array(
    pg_catalog.replace(pg_catalog.encode(p_json, 'escape'), '\\/', '/'), '"')) as piece
  where case
    when pg_catalog.left(piece, 6) = 'wamid.' then pg_catalog.length(piece) between 7 and 261
    when pg_catalog.ascii(piece) between 43 and 57 then
      piece ~ '^[+]?[0-9]{5,15}$' and piece !~ '^[+]?1[0-9]{9}$'
    else pg_catalog.substr(piece, 3, 1) = '.' and piece ~ '^[A-Z]{2}[.][.0-9A-Za-z]{1,132}$'
  end
$$;
comment on function whatsapp.names_in(bytea) is
  'The message ids, numbers and business-scoped ids in what Meta sent. For the trigger fill_names only.';

-- 3. The queue ----------------------------------------------------------------------------------------------------

create function whatsapp.wake(p_contact_ids bigint[], p_at_once boolean) returns void
language sql set search_path = '' as $$
  insert into whatsapp.lanes as lane (contact_id)
  select distinct woken from pg_catalog.unnest(p_contact_ids) as woken where woken is not null order by woken
  on conflict (contact_id) do update set
    due_at = case when p_at_once and lane.token is null
      then least(lane.due_at, pg_catalog.clock_timestamp()) else lane.due_at end,
    waits_for = case when p_at_once and lane.token is null then '' else lane.waits_for end
$$;
comment on function whatsapp.wake(bigint[], boolean) is
  'Locks the lanes in order and makes those that are missing. A caller that has written events before holds these
locks until its commit, so that a worker that is just leaving a lane sees the events, or the lane is made anew.';

create function whatsapp.claim(p_limit integer, p_lease interval)
returns table (contact_id bigint, token uuid, tries integer)
language sql set search_path = '' as $$
  update whatsapp.lanes as lane
  set token = pg_catalog.gen_random_uuid(), due_at = pg_catalog.clock_timestamp() + p_lease, waits_for = ''
  from (
    select l.contact_id from whatsapp.lanes as l
    where l.due_at <= pg_catalog.clock_timestamp() order by l.due_at limit p_limit for update skip locked
  ) as due
  where lane.contact_id = due.contact_id
  returning lane.contact_id, lane.token, lane.tries
$$;
comment on function whatsapp.claim(integer, interval) is
  'Takes the lanes that are due, the longest due first; a lane whose lease has expired is due again.';

create function whatsapp.hold(p_contact_id bigint, p_fence uuid, p_lease interval) returns boolean
language plpgsql set search_path = '' as $$
begin
  update whatsapp.lanes set due_at = pg_catalog.clock_timestamp() + p_lease
  where contact_id = p_contact_id and token = p_fence;
  return found;
end
$$;
comment on function whatsapp.hold(bigint, uuid, interval) is
  'Locks the lane until the end of the transaction and extends the lease; false when another worker has it by now.';

create function whatsapp.release(p_contact_id bigint, p_fence uuid, p_wait interval, p_waits_for text)
returns boolean
language plpgsql set search_path = '' as $$
begin
  perform from whatsapp.lanes where contact_id = p_contact_id and token = p_fence for update;
  if not found then
    return false;
  end if;
  -- A second statement, so that it sees what was committed while the first one waited.
  if exists (select from whatsapp.events where contact_id = p_contact_id and state = 'ready') then
    update whatsapp.lanes
    set token = null, due_at = pg_catalog.clock_timestamp() + p_wait, waits_for = p_waits_for,
      tries = case when p_wait > interval '0' then tries + 1 else 0 end
    where contact_id = p_contact_id;
  else
    delete from whatsapp.lanes where contact_id = p_contact_id;
  end if;
  return true;
end
$$;
comment on function whatsapp.release(bigint, uuid, interval, text) is
  'Gives the lane back: due at once or after the wait when an event is ready, else it is deleted.';

-- 4. Sending ------------------------------------------------------------------------------------------------------

create function whatsapp.begin_send(
  p_contact_id bigint, p_fence uuid, p_send_id uuid, p_phone_number_id text, p_lease interval, p_pair_gap interval,
  p_pair_burst integer, p_probe interval
) returns table (verdict text, pause double precision, attempt integer)
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_number whatsapp.numbers;
  v_slot timestamptz;
  v_attempt integer;
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
    update whatsapp.numbers as n set probe_at = v_now + p_probe
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
  update whatsapp.outbox as o set state = 'sending', attempts = o.attempts + 1, changed_at = v_now
  where o.id = p_send_id and o.state = 'ready' returning o.attempts into v_attempt;
  if v_attempt is null then
    return query select 'settled', 0.0::double precision, 0;
    return;
  end if;
  update whatsapp.contacts as c set next_send_at = v_slot + p_pair_gap where c.id = p_contact_id;
  return query select 'go', 0.0::double precision, v_attempt;
end
$$;
comment on function whatsapp.begin_send(bigint, uuid, uuid, text, interval, interval, integer, interval) is
  'The last word before a call. go: call now, this is that attempt. lost: the lane is another worker''s. pair, number:
wait `pause` seconds. settled: this send needs no call any more.';

create function whatsapp.apply_statuses(p_send_ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
  with known as (
    select o.id as send_id, s.wamid, s.status, s.rank, s.at, s.code, s.error
    from whatsapp.outbox as o
    join whatsapp.statuses as s on s.outbox_id = o.id or s.wamid = o.wamid
    where o.id = any (p_send_ids)
  ), best as (
    select distinct on (send_id) * from known order by send_id, rank desc, at
  ), first as (
    select send_id, min(at) as at from known group by send_id
  ), turn as (
    select id from whatsapp.outbox where id = any (p_send_ids) order by id for update
  )
  update whatsapp.outbox as o set
    state = case when o.state in ('accepted', 'failed', 'discarded') and o.wamid is not null then o.state
      else 'accepted' end,
    wamid = coalesce(o.wamid, best.wamid),
    accepted_at = coalesce(o.accepted_at, first.at),
    status = case when best.rank > o.status_rank then best.status else o.status end,
    status_at = case when best.rank > o.status_rank then best.at else o.status_at end,
    code = case when best.rank > o.status_rank then best.code else o.code end,
    error = case when best.rank > o.status_rank then best.error else o.error end,
    status_rank = greatest(o.status_rank, best.rank),
    changed_at = pg_catalog.clock_timestamp()
  from best join first using (send_id) join turn on turn.id = best.send_id
  where o.id = best.send_id
    and (o.state in ('ready', 'sending', 'unknown', 'unresolved') or o.wamid is null or best.rank > o.status_rank);
  update whatsapp.statuses as s set applied = true
  from whatsapp.outbox as o
  where o.id = any (p_send_ids) and (s.outbox_id = o.id or s.wamid = o.wamid) and not s.applied;
  perform whatsapp.resume(p_send_ids);
end
$$;
comment on function whatsapp.apply_statuses(uuid[]) is
  'Statuses only ever move a send forward, in whatever order they come; any of them proves that the call was accepted.';

create function whatsapp.resume(p_send_ids uuid[]) returns void
language plpgsql set search_path = '' as $$
declare
  v_resumed bigint[];
begin
  with settled as (
    update whatsapp.events as e set state = 'ready', changed_at = pg_catalog.clock_timestamp()
    where e.id in (select o.event_id from whatsapp.outbox as o where o.id = any (p_send_ids) and o.kind = 'answer')
      and e.state in ('awaiting', 'unresolved')
      -- A notice whose outcome nobody knows keeps no answer waiting.
      and not exists (
        select from whatsapp.outbox as o
        where o.event_id = e.id and o.kind = 'answer' and o.state in ('sending', 'unknown', 'unresolved'))
    returning e.contact_id
  )
  select pg_catalog.array_agg(contact_id) into v_resumed from settled;
  if v_resumed is not null then
    perform whatsapp.wake(v_resumed, true);
  end if;
end
$$;
comment on function whatsapp.resume(uuid[]) is 'Events that waited only for these sends go on.';

create function whatsapp.settle(p_limit integer) returns integer
language plpgsql set search_path = '' as $$
declare
  v_send_ids uuid[];
begin
  select pg_catalog.array_agg(distinct matched.id) into v_send_ids from (
    select o.id from whatsapp.statuses as s
    join whatsapp.outbox as o on o.id = s.outbox_id or o.wamid = s.wamid
    where not s.applied order by s.received_at limit p_limit
  ) as matched;
  if v_send_ids is null then
    return 0;
  end if;
  perform whatsapp.wake(array(
    select o.contact_id from whatsapp.outbox as o
    where o.id = any (v_send_ids) and o.state in ('sending', 'unknown', 'unresolved')), false);
  perform whatsapp.apply_statuses(v_send_ids);
  return pg_catalog.cardinality(v_send_ids);
end
$$;
comment on function whatsapp.settle(integer) is
  'Matches statuses that have come with what was sent; the number of sends they were about.';

create function whatsapp.accepted(p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text)
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
  if v_number.circuit_open or (v_number.strikes > 0 and v_number.paused_until <= v_now) then
    update whatsapp.numbers set circuit_open = false, strikes = 0, code = null, changed_at = v_now
    where phone_number_id = p_phone_number_id;
    update whatsapp.lanes set due_at = v_now, waits_for = '' where waits_for = 'number' and token is null;
  end if;
  return coalesce(v_number.circuit_open, false);
end
$$;
comment on function whatsapp.accepted(uuid, text, text, text) is
  'A fact, no matter who holds the lane by now: the call was accepted. True when this closed the number''s circuit.';

create function whatsapp.not_sent(
  p_send_id uuid, p_attempt integer, p_state text, p_counts boolean, p_code integer, p_error text
) returns void
language plpgsql set search_path = '' as $$
begin
  update whatsapp.outbox set
    state = p_state, failures = failures + p_counts::integer, code = p_code, error = p_error,
    changed_at = pg_catalog.clock_timestamp()
  where id = p_send_id and attempts = p_attempt and state in ('sending', 'unknown', 'unresolved');
  if found then
    perform whatsapp.resume(array[p_send_id]);
  end if;
end
$$;
comment on function whatsapp.not_sent(uuid, integer, text, boolean, integer, text) is
  'A fact as well: this attempt was refused; the send becomes ready or failed. A worker that took the lane over
meanwhile may have left the event waiting for a status that will never come, so the event goes on.';

create function whatsapp.finish(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_state text, p_reason text, p_lease interval,
  p_link_version bigint
) returns text
language plpgsql set search_path = '' as $$
declare
  v_unchanged boolean;
begin
  if not whatsapp.hold(p_contact_id, p_fence, p_lease) then
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
  update whatsapp.events set state = p_state, reason = p_reason, changed_at = pg_catalog.clock_timestamp()
  where id = p_event_id and state = 'ready';
  return case when v_unchanged then 'done' else 'changed' end;
end
$$;
comment on function whatsapp.finish(bigint, uuid, bigint, text, text, interval, bigint) is
  'Leaves an event in a new state, decided under this link version. lost: the lane is another worker''s. again: the
event stays ready, because a send was settled or the number was linked meanwhile. changed: done, but the contact must be
read anew. done: done.';

create function whatsapp.between_links(p_numbers text[]) returns void
language plpgsql set search_path = '' as $$
declare
  v_lock integer;
begin
  for v_lock in
    select distinct pg_catalog.hashtext(pg_catalog.right(number, 8)) & 255 as n
    from pg_catalog.unnest(p_numbers) as number where number is not null order by n
  loop
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('whatsapp.links'), v_lock);
  end loop;
end
$$;
comment on function whatsapp.between_links(text[]) is
  'A new contact for a number and a change of a link of that number wait for each other: a contact that the change
cannot see yet would be looked up before its commit, and get the wrong owner or wait for ever. Numbers share 256 locks
by their last digits, so that a batch of new senders does not need thousands.';

revoke all on all functions in schema whatsapp from public, anon, authenticated, service_role;
grant execute on all functions in schema whatsapp to ava_whatsapp_gateway;

-- 5. Attempts -----------------------------------------------------------------------------------------------------

create function accounts.alone_with(p_account text, p_network text) returns void
language sql set search_path = '' as $$
  select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(p_account, 0));
  select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(p_network, 0));
$$;
comment on function accounts.alone_with(text, text) is
  'One at a time for an account and a network, always asked for in this order, so that nobody waits in a circle.
Locks on rows would not do: a row that appears in between is locked too late.';

create function accounts.attempt(
  p_kind text, p_network text, p_account text, p_network_free integer, p_account_free integer, p_quiet interval,
  p_longest interval
) returns integer
language plpgsql set search_path = '' as $$
declare
  v_by_network constant text := p_kind || ' network ' || p_network;
  v_by_account text := p_kind || ' account ' || p_account;
  v_wait interval;
  v_now timestamptz;
  v_slowed integer;
begin
  if exists (
    select from accounts.familiar_networks as known
    where known.account = p_account and known.network = p_network and known.known_until > now()
  ) then
    v_by_account := v_by_account || ' at ' || p_network;
  end if;
  perform accounts.alone_with(p_kind || ' account ' || p_account, v_by_network);
  insert into accounts.attempts (subject, window_ends)
  select subject, now() + p_quiet
  from unnest(array[v_by_account, v_by_network]) as subject where subject is not null order by subject
  on conflict do nothing;
  select max(locked_until) - clock_timestamp() into v_wait
  from accounts.attempts where subject in (v_by_account, v_by_network);
  if v_wait > interval '0' then
    return ceil(extract(epoch from v_wait));
  end if;
  v_now := clock_timestamp();
  update accounts.attempts as counted
  set tries = next.tries,
    locked_until = next.locked_until,
    window_ends = greatest(
      case when counted.window_ends > v_now then counted.window_ends end,
      next.locked_until + p_quiet, v_now + p_quiet)
  from (
    select subject, tries, case when tries > free
      then v_now + least(p_longest, interval '1 second' * 2 ^ least(tries - free, 20)) end as locked_until
    from (
      select earlier.subject, case when earlier.window_ends > v_now then earlier.tries + 1 else 1 end as tries,
        case when earlier.subject = v_by_network then p_network_free else p_account_free end as free
      from accounts.attempts as earlier where earlier.subject in (v_by_account, v_by_network)
    ) as counting
  ) as next
  where counted.subject = next.subject;
  select coalesce(-ceil(extract(epoch from max(locked_until) - v_now)), 0) into v_slowed
  from accounts.attempts where subject in (v_by_account, v_by_network);
  return least(v_slowed, 0);
end
$$;
comment on function accounts.attempt(text, text, text, integer, integer, interval, interval) is
  'Counts one attempt for the network and the account at once. The number of seconds to wait; 0: go on; negative: go on,
but the next one has to wait that long. While a subject is locked nothing is counted. Beyond the free attempts each
further one doubles the wait, up to the longest.';

create function accounts.forgive(p_kind text, p_network text, p_account text, p_known interval) returns void
language plpgsql set search_path = '' as $$
declare
  v_by_network constant text := p_kind || ' network ' || p_network;
  v_by_account constant text := p_kind || ' account ' || p_account;
  v_by_pair constant text := p_kind || ' account ' || p_account || ' at ' || p_network;
begin
  perform accounts.alone_with(v_by_account, v_by_network);
  update accounts.attempts set tries = greatest(tries - 1, 0), locked_until = null
  where subject = v_by_network or (p_known is null and subject in (v_by_account, v_by_pair));
  if p_known is not null and p_account is not null then
    delete from accounts.attempts where subject in (v_by_account, v_by_pair);
    insert into accounts.familiar_networks values (p_account, p_network, now() + p_known)
    on conflict on constraint familiar_networks_pkey do update set known_until = excluded.known_until;
  end if;
end
$$;
comment on function accounts.forgive(text, text, text, interval) is
  'The attempt succeeded: the account starts afresh, the network gets its attempt back and is familiar for this long.
Without `p_known` the attempt was not made at all, and both get it back.';

create function accounts.forget(p_audit_days integer) returns void
language sql security definer set search_path = '' as $$
  delete from accounts.attempts where subject in (
    select subject from accounts.attempts
    where window_ends < now() and coalesce(locked_until, now()) <= now() for update skip locked
  );
  delete from accounts.familiar_networks where known_until < now();
  delete from accounts.audit where at < now() - interval '1 day' * greatest(p_audit_days, 30);
$$;
comment on function accounts.forget(integer) is
  'Deletes what has expired. Auth cannot delete from the audit log otherwise, and never anything younger than 30 days.';

revoke execute on all functions in schema accounts from public, anon, authenticated, service_role;
grant execute on all functions in schema accounts to ava_auth;

-- 6. A page of messages -------------------------------------------------------------------------------------------

-- With custom plans whatever the parameters decide is decided before planning: a filter that is null is dropped, one
-- pair of sort keys is left, and every combination finds its index (tests/rls/test_plans.py).
create function messaging.page(
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
          pg_catalog.set_config('request.jwt.claims', p_claims, true);
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
end
$$;
comment on function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) is 'One page of the caller''s messages in one round trip: claims and question travel together, and are gone with the
transaction. Runs with its caller''s rights, so that grants and row-level security decide as in any statement.';
revoke all on function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) from public, anon, authenticated, service_role;
grant execute on function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) to ava_messaging;
