-- What a send says about its contact and its wamid is asked of others (docs/decisions/0187): its contact is that of its
-- event, and whether a wamid is one of a former call is asked where it is written, not by a trigger that locks each row
-- that is about to change. And what a worker says about its lane takes fewer statements. The same functions with the
-- same answers; that a lease may be null is new.
set lock_timeout = '5s';
set statement_timeout = '60s';

create or replace function ava_private.delete_whatsapp_of(p_user_id uuid) returns void
language plpgsql set search_path = '' as $$
declare
  v_phone text;
  v_bsuid text;
  v_locked bigint[] := '{}';
  v_touched bigint[];
  v_contact_ids bigint[];
  v_send_ids uuid[];
  v_names text[];
  v_hashes bigint[];
begin
  select pg_catalog.ltrim(p.whatsapp_phone, '+') into v_phone
  from public.user_preferences as p where p.user_id = p_user_id for update;
  v_bsuid := (select l.bsuid from profile.hidden_number_links as l where l.user_id = p_user_id);
  perform whatsapp.between_links(array[v_phone, v_bsuid]);
  loop
    -- Asked again under the locks: a contact may have got an owner meanwhile.
    v_contact_ids := ava_private.contacts_of_account(p_user_id => p_user_id, p_digits => v_phone, p_bsuid => v_bsuid);
    v_touched := v_contact_ids || array(
      select s.contact_id from whatsapp.senders as s where s.user_id = p_user_id
      union
      -- The end of the links looks at these once more.
      select c.id from whatsapp.contacts as c
      where right(c.wa_digits, 8) = right(v_phone, 8) or c.alias_digits = v_phone or c.bsuid = v_bsuid);
    exit when v_touched <@ v_locked;
    perform whatsapp.wake(p_contact_ids => v_touched, p_at_once => false);
    v_locked := v_locked || v_touched;
  end loop;
  -- An edit or a deletion goes with its message, also when the contact is another account's by now.
  update whatsapp.events as e set user_id = p_user_id
  from whatsapp.events as said
  where said.contact_id = any (v_touched) and said.user_id = p_user_id
    and e.corrects = said.key and e.contact_id = said.contact_id and e.user_id is null;
  v_send_ids := array(
    select o.id from whatsapp.events as e join whatsapp.outbox as o on o.event_id = e.id
    where e.contact_id = any (v_touched) and (e.contact_id = any (v_contact_ids) or e.user_id = p_user_id));
  v_names := array_remove(array(
    select e.key from whatsapp.events as e
    where e.contact_id = any (v_touched) and (e.contact_id = any (v_contact_ids) or e.user_id = p_user_id)
    union all
    select o.wamid from whatsapp.outbox as o where o.id = any (v_send_ids)
    union all
    select pg_catalog.unnest(array[c.wa_digits, c.bsuid, c.alias_digits])
    from whatsapp.contacts as c where c.id = any (v_contact_ids)
    union all
    -- A number they had before, unless it is another person's by now.
    select former.name from whatsapp.moves as m, pg_catalog.unnest(array[m.from_digits, m.from_bsuid]) as former (name)
    where m.contact_id = any (v_contact_ids) and not exists (
      select from whatsapp.contacts as c where former.name in (c.wa_digits, c.bsuid) and c.id <> all (v_contact_ids))
  ), null);
  -- In the order in which statuses are applied: the sends first.
  perform from whatsapp.outbox as o where o.id = any (v_send_ids) order by o.id for update;
  delete from whatsapp.statuses where outbox_id = any (v_send_ids) or wamid = any (v_names);
  delete from whatsapp.events where contact_id = any (v_touched) and user_id = p_user_id;
  delete from whatsapp.senders where user_id = p_user_id;
  delete from whatsapp.events where contact_id is null and names && v_names;
  delete from whatsapp.deliveries where state = 'split'
    and id = any (array(select whatsapp.deliveries_naming(p_names => v_names)));
  -- A row is for many: theirs are taken out of it.
  v_hashes := whatsapp.name_hashes(v_names);
  update whatsapp.delivery_names as n set (delivery_ids, name_hashes) = (
    select coalesce(pg_catalog.array_agg(other.delivery_id), '{}'), coalesce(pg_catalog.array_agg(other.name_hash), '{}')
    from rows from (pg_catalog.unnest(n.delivery_ids), pg_catalog.unnest(n.name_hashes)) as other (delivery_id, name_hash)
    where other.name_hash not in (select pg_catalog.unnest(v_hashes)))
  where n.name_hashes && v_hashes;
  update whatsapp.moves set
    to_digits = case when to_digits = any (v_names) then null else to_digits end,
    to_bsuid = case when to_bsuid = any (v_names) then null else to_bsuid end
  where to_digits = any (v_names) or to_bsuid = any (v_names);
  delete from whatsapp.contacts where id = any (v_contact_ids);
end
$$;

create or replace function ava_private.whatsapp_farewell() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- A deadlock picks its victim by chance, and facts are written whatever is locked.
  for v_attempt in 1..3 loop
    begin
      perform ava_private.delete_whatsapp_of(p_user_id => old.id);
      return old;
    exception when deadlock_detected then
      if v_attempt = 3 then
        raise;
      end if;
    end;
    -- Nothing is locked any more: who waited for it goes first.
    perform pg_catalog.pg_sleep(0.1);
  end loop;
  return old;
end
$$;

create or replace function whatsapp.apply_statuses(p_send_ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
  -- A statement of its own: a send that was replayed meanwhile is seen below, together with its former wamid.
  perform from whatsapp.outbox where id = any (p_send_ids) order by id for update;
  with known as (
    select o.id as send_id, s.wamid, s.status, s.rank, s.at, s.code, s.error
    from whatsapp.outbox as o
    join whatsapp.statuses as s on s.outbox_id = o.id or s.wamid = o.wamid
    where o.id = any (p_send_ids)
  ), best as (
    select distinct on (send_id) * from known order by send_id, rank desc, at
  ), first as (
    select send_id, min(at) as at from known group by send_id
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
    undelivered = case when best.rank > o.status_rank then best.status = 'failed' else o.undelivered end,
    status_rank = greatest(o.status_rank, best.rank),
    changed_at = pg_catalog.clock_timestamp()
  from best join first using (send_id)
  where o.id = best.send_id
    and (o.state in ('ready', 'sending', 'unknown', 'unresolved') or o.wamid is null or best.rank > o.status_rank)
    and (o.wamid is not null or not exists (
      select from whatsapp.former_wamids as f where f.wamid = best.wamid));
  update whatsapp.statuses as s set applied = true
  from whatsapp.outbox as o
  where o.id = any (p_send_ids) and (s.outbox_id = o.id or s.wamid = o.wamid) and not s.applied;
  perform whatsapp.resume(p_send_ids);
end
$$;

create or replace function whatsapp.accepted(
  p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text
) returns boolean
language plpgsql set search_path = '' as $$
begin
  update whatsapp.contacts as c set alias_digits = p_alias_digits
  from whatsapp.outbox as o
  where o.id = p_send_id and c.id = o.contact_id and c.alias_digits is distinct from p_alias_digits
    and c.wa_digits is distinct from p_alias_digits and p_alias_digits is not null;
  return whatsapp.accepted_2(
    p_send_id => p_send_id, p_wamid => p_wamid, p_alias_digits => null, p_phone_number_id => p_phone_number_id);
end
$$;

create or replace function whatsapp.accepted_2(
  p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text
) returns boolean
language sql set search_path = '' as $$
  select became.closed from whatsapp.accepted_4(
    p_send_id => p_send_id, p_wamid => p_wamid, p_alias_digits => p_alias_digits,
    p_phone_number_id => p_phone_number_id) as became
$$;

create or replace function whatsapp.accepted_4(p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text)
returns table (closed boolean, state text, wamid text, accepted_at timestamptz, changed_at timestamptz)
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_contact_id bigint;
  v_send whatsapp.outbox;
  v_found record;
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
  where o.id = p_send_id and o.state in ('sending', 'unknown', 'unresolved', 'ready')
    and (o.wamid is not null or not exists (select from whatsapp.former_wamids as f where f.wamid = p_wamid))
  returning o.* into v_send;
  -- A second statement, so that it sees what was committed while the first one waited.
  select
    n.circuit_open, n.unanswered > 0 or (n.strikes > 0 and n.paused_until <= v_now) as was_silent,
    exists (select from whatsapp.statuses as s where s.wamid = p_wamid and not s.applied) as is_told,
    exists (
      select from whatsapp.events as e where e.id = v_send.event_id and e.state in ('awaiting', 'unresolved')
    ) as is_awaited,
    exists (select from whatsapp.former_wamids as f where f.wamid = v_send.wamid) as is_former
  into v_found
  from (values (p_phone_number_id)) as used (number)
  left join whatsapp.numbers as n on n.phone_number_id = used.number;
  if v_found.is_former then
    raise exception 'replayed meanwhile; another attempt sees it' using errcode = 'serialization_failure';
  end if;
  if v_found.is_told then
    perform whatsapp.apply_statuses(array[p_send_id]);
    v_send.id := null; -- the statuses have changed it
  elsif v_send.id is null or v_found.is_awaited then
    perform whatsapp.resume(array[p_send_id]);
  end if;
  if v_send.id is null then
    select o.* into v_send from whatsapp.outbox as o where o.id = p_send_id;
  end if;
  if v_found.circuit_open or v_found.was_silent then
    update whatsapp.numbers as n set circuit_open = false, strikes = 0, unanswered = 0, code = null, changed_at = v_now
    where n.phone_number_id = p_phone_number_id;
    perform whatsapp.wake_waiting('number');
  end if;
  return query select
    coalesce(v_found.circuit_open, false), v_send.state, v_send.wamid, v_send.accepted_at, v_send.changed_at;
end
$$;

create or replace function whatsapp.note_owner_2(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_user_id uuid, p_lease interval
) returns text
language plpgsql set search_path = '' as $$
begin
  if p_lease is not null
    and not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease)
  then
    return 'lost';
  end if;
  -- A second statement: a change that is being made holds this lane's lock until it is done, and is seen then.
  update whatsapp.events set user_id = p_user_id
  where id = p_event_id and exists (select from whatsapp.contacts where id = p_contact_id and user_id = p_user_id);
  return case when found then 'noted' else 'changed' end;
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
  v_found record;
  v_slot timestamptz;
  v_attempt integer;
begin
  if p_lease is not null
    and not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease)
  then
    return query select 'lost', v_pause, 0, null::text, null::text;
    return;
  end if;
  -- The lane is locked, so nobody gives the contact another number until this is committed.
  select
    c.next_send_at, c.wa_digits, c.bsuid, n.circuit_open, n.code, n.probe_at, n.paused_until, exists (
      select from whatsapp.outbox as o where o.event_id = p_event_id and o.kind = 'answer' and o.part = 0
    ) as is_stored
  into v_found
  from whatsapp.contacts as c left join whatsapp.numbers as n on n.phone_number_id = p_phone_number_id
  where c.id = p_contact_id;
  v_slot := greatest(v_found.next_send_at, v_now);
  if v_slot > v_now + p_pair_gap * (p_pair_burst - 1) then
    v_verdict := 'pair';
    v_pause := extract(epoch from v_slot - v_now - p_pair_gap * (p_pair_burst - 1));
  elsif v_found.circuit_open then
    update whatsapp.numbers as n
    set probe_at = v_now + case when v_found.code is null then p_unreachable_probe else p_probe end
    where n.phone_number_id = p_phone_number_id and n.circuit_open and n.probe_at <= v_now;
    if not found then
      v_verdict := 'number';
      v_pause := greatest(1, extract(epoch from v_found.probe_at - v_now));
    elsif v_found.code is null then
      v_verdict := 'probe';
      v_pause := extract(epoch from p_unreachable_probe);
    end if;
  elsif v_found.paused_until > v_now then
    v_verdict := 'number';
    v_pause := extract(epoch from v_found.paused_until - v_now);
  end if;
  if p_body is not null then
    update whatsapp.events as e set
      user_id = p_user_id, avatar_id = p_avatar_id, claimed_at = coalesce(e.claimed_at, p_claimed_at),
      logged_at = coalesce(e.logged_at, v_now)
    where e.id = p_event_id;
    if v_verdict in ('go', 'probe') then
      -- Nobody else stores one meanwhile, because the lane is locked.
      if not v_found.is_stored then
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
  return query select v_verdict, v_pause, coalesce(v_attempt, 0), v_found.wa_digits, v_found.bsuid;
end
$$;

create or replace function whatsapp.finish_3(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_state text, p_reason text, p_lease interval,
  p_link_version bigint, p_is_last boolean
) returns text
language plpgsql set search_path = '' set enable_sort = off as $$
declare
  v_unchanged boolean;
  v_has_notice boolean;
begin
  if p_lease is not null
    and not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease)
  then
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
  if p_state = 'held' and exists (
    select from whatsapp.contacts where id = p_contact_id and link_version <> p_link_version
  ) then
    return 'again'; -- nothing would wake it again
  end if;
  -- What is done at once keeps when it was stored: that column stands far from the state.
  update whatsapp.events set state = p_state, reason = p_reason, changed_at = case
    when p_state = 'done' and changed_at > pg_catalog.statement_timestamp() - interval '1 minute' then changed_at
    else pg_catalog.clock_timestamp() end
  where id = p_event_id and state = 'ready';
  select
    (select link_version = p_link_version from whatsapp.contacts where id = p_contact_id), p_state <> 'held' and exists (
      select from whatsapp.outbox where event_id = p_event_id and kind = 'notice' and state = 'ready')
  into v_unchanged, v_has_notice;
  if v_has_notice then
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
