-- WhatsApp, once and for good: deliveries as they came, what they hold, whom they are from, and what is sent back.
-- Private: reached by ava_whatsapp_gateway alone, never through the Data API.
set lock_timeout = '5s';
set statement_timeout = '60s';

create schema whatsapp;
comment on schema whatsapp is 'The gateway''s own: an inbox, one queue per contact, an outbox.';
revoke all on schema whatsapp from public;
grant usage on schema whatsapp to ava_whatsapp_gateway;

-- 1. The inbox ----------------------------------------------------------------------------------------------------

create table whatsapp.deliveries (
  id bigint generated always as identity primary key,
  digest bytea not null constraint deliveries_digest_key unique check (octet_length(digest) = 32),
  -- Bytes and not text: a NUL or a lone surrogate in them must not cost the delivery.
  body bytea not null,
  trace text not null default '',
  received_at timestamptz not null default clock_timestamp(),
  state text not null default 'new' check (state in ('new', 'split', 'quarantined')),
  error text
);
comment on table whatsapp.deliveries is 'What was posted with a good signature; identical bytes are one row.';
create index deliveries_new on whatsapp.deliveries (id) where state = 'new';
create index deliveries_quarantined on whatsapp.deliveries (id) where state = 'quarantined';
create index deliveries_received_at on whatsapp.deliveries (received_at);

-- The message ids, numbers and business-scoped ids that bytes of Meta's name, to find them again when a person leaves.
-- Ten digits that begin with 1 are a moment and never a number.
create function whatsapp.names_in(bytes bytea) returns text[]
language sql immutable strict parallel safe set search_path = '' as $$
  -- Parted at the quotes first: one expression over the whole body takes a millisecond a message.
  select coalesce(pg_catalog.array_agg(distinct pg_catalog.ltrim(piece, '+')), '{}')
  from pg_catalog.unnest(pg_catalog.string_to_array(
    pg_catalog.replace(pg_catalog.encode(bytes, 'escape'), '\\/', '/'), '"')) as piece
  where case
    when pg_catalog.left(piece, 6) = 'wamid.' then pg_catalog.length(piece) between 7 and 261
    when pg_catalog.ascii(piece) between 43 and 57 then
      piece ~ '^[+]?[0-9]{5,15}$' and piece !~ '^[+]?1[0-9]{9}$'
    else pg_catalog.substr(piece, 3, 1) = '.' and piece ~ '^[A-Z]{2}[.][.0-9A-Za-z]{1,132}$'
  end
$$;
create index deliveries_names on whatsapp.deliveries using gin (whatsapp.names_in(body)) where state = 'split';

-- 2. Who writes ---------------------------------------------------------------------------------------------------

create table whatsapp.contacts (
  id bigint generated always as identity primary key,
  -- Exactly as Meta writes it, never judged or corrected.
  wa_digits text constraint contacts_wa_digits_key unique,
  bsuid text constraint contacts_bsuid_key unique,
  parent_bsuid text,
  username text,
  -- What Meta calls this number when we send to it, where that differs (Brazil).
  alias_digits text,
  -- Whose it is, once found; the account's deletion takes the contact and all that hangs on it along.
  user_id uuid references public.users (id) on delete cascade,
  -- Counts links made and unmade, so that an answer found before a change is not pinned after it.
  link_version bigint not null default 0,
  -- These digits belonged to somebody else before: only a link that their owner makes from now on counts.
  recycled boolean not null default false,
  relinked_by uuid,
  -- The pair rate as a theoretical arrival time: each send moves it one gap further.
  next_send_at timestamptz not null default '-infinity',
  first_seen_at timestamptz not null default clock_timestamp()
);
comment on table whatsapp.contacts is 'One row per identity on WhatsApp; events of one contact are handled in order.';
create index contacts_user_id on whatsapp.contacts (user_id);
create index contacts_alias on whatsapp.contacts (alias_digits) where alias_digits is not null;
create index contacts_tail on whatsapp.contacts (right(wa_digits, 8));

create table whatsapp.moves (
  id bigint generated always as identity primary key,
  contact_id bigint not null references whatsapp.contacts (id) on delete cascade,
  reason text not null,
  from_digits text,
  from_bsuid text,
  to_digits text,
  to_bsuid text,
  moved_at timestamptz not null default clock_timestamp()
);
comment on table whatsapp.moves is 'Numbers and ids a contact had before: whoever comes with one of them later is somebody else.';
create index moves_contact_id on whatsapp.moves (contact_id);
create index moves_from_digits on whatsapp.moves (from_digits);

-- 3. What was said ------------------------------------------------------------------------------------------------

create table whatsapp.events (
  id bigint generated always as identity primary key,
  -- Meta's wamid for a message, a digest for the rest: the same thing twice is one row.
  key text not null constraint events_key_key unique,
  delivery_id bigint references whatsapp.deliveries (id) on delete set null,
  contact_id bigint references whatsapp.contacts (id) on delete cascade,
  kind text not null,
  state text not null check (state in (
    'ready', 'held', 'awaiting', 'unresolved', 'done', 'dead', 'discarded', 'ignored', 'quarantined')),
  -- The id of the turn in the message log, made once.
  turn_id uuid,
  words text,
  sent_at timestamptz not null,
  received_at timestamptz not null,
  trace text not null default '',
  -- What was found on the way: a later attempt continues with the same.
  user_id uuid,
  avatar_id uuid,
  logged_at timestamptz,
  attempts integer not null default 0,
  reason text,
  item bytea not null,
  changed_at timestamptz not null default clock_timestamp()
);
create index events_heads on whatsapp.events (contact_id, sent_at, id) where state = 'ready';
create index events_held on whatsapp.events (contact_id) where state = 'held';
create index events_open on whatsapp.events (state, changed_at)
  where state in ('held', 'awaiting', 'unresolved', 'dead', 'quarantined');
create index events_oldest on whatsapp.events (received_at) where state = 'ready';
create index events_contact_id on whatsapp.events (contact_id);
create index events_delivery_id on whatsapp.events (delivery_id);
create index events_user_id on whatsapp.events (user_id) where user_id is not null;
create index events_changed_at on whatsapp.events (changed_at);
create index events_of_nobody on whatsapp.events using gin (whatsapp.names_in(item)) where contact_id is null;

create table whatsapp.lanes (
  contact_id bigint primary key references whatsapp.contacts (id) on delete cascade,
  -- When somebody may take it: at once, after a back-off, or when the lease of whoever has it runs out.
  due_at timestamptz not null default clock_timestamp(),
  -- Fences: only who holds the token may write.
  token uuid,
  -- How often in a row it had to wait, and for what.
  tries integer not null default 0,
  waits_for text not null default ''
);
comment on table whatsapp.lanes is 'The contacts that have something ready; one worker at a time on each.';
create index lanes_due_at on whatsapp.lanes (due_at);

-- 4. What is sent -------------------------------------------------------------------------------------------------

create table whatsapp.outbox (
  -- Travels in biz_opaque_callback_data, and is the turn's id in the message log.
  id uuid primary key,
  event_id bigint not null references whatsapp.events (id) on delete cascade,
  contact_id bigint not null references whatsapp.contacts (id) on delete cascade,
  kind text not null default 'answer' check (kind in ('answer', 'notice')),
  part integer not null default 0,
  body text not null,
  state text not null default 'ready'
    check (state in ('ready', 'sending', 'accepted', 'unknown', 'unresolved', 'failed', 'discarded')),
  -- Counts the calls made; the outcome of an older call never overwrites a newer one's.
  attempts integer not null default 0,
  -- Refusals that count towards giving up: not those that concern the number or the pace.
  failures integer not null default 0,
  resent boolean not null default false,
  wamid text constraint outbox_wamid_key unique,
  accepted_at timestamptz,
  logged_at timestamptz,
  status text,
  status_rank integer not null default 0,
  status_at timestamptz,
  code integer,
  error text,
  notice_day date,
  changed_at timestamptz not null default clock_timestamp(),
  constraint outbox_once unique (event_id, kind, part),
  constraint outbox_one_notice_a_day unique (contact_id, notice_day)
);
comment on table whatsapp.outbox is 'Written before the call is made; a row is sent once or somebody is told why not.';
create index outbox_open on whatsapp.outbox (state, changed_at) where state in ('sending', 'unknown', 'unresolved');

create table whatsapp.statuses (
  wamid text not null,
  status text not null,
  rank integer not null,
  outbox_id uuid,
  at timestamptz not null,
  code integer,
  error text,
  applied boolean not null default false,
  received_at timestamptz not null default clock_timestamp(),
  primary key (wamid, status)
);
comment on table whatsapp.statuses is 'Kept by themselves: a status may come before the answer to the call it is about.';
create index statuses_waiting on whatsapp.statuses (received_at) where not applied;
create index statuses_outbox_id on whatsapp.statuses (outbox_id) where outbox_id is not null;
create index statuses_received_at on whatsapp.statuses (received_at);

create table whatsapp.numbers (
  phone_number_id text primary key,
  paused_until timestamptz not null default '-infinity',
  strikes integer not null default 0,
  -- Open: the credential or the account is broken; one probe at a time finds out whether it was mended.
  circuit_open boolean not null default false,
  probe_at timestamptz not null default '-infinity',
  code integer,
  changed_at timestamptz not null default clock_timestamp()
);
comment on table whatsapp.numbers is 'Our own numbers: paused, or broken, for every process alike.';

-- 5. The queue ----------------------------------------------------------------------------------------------------

-- Locks the lanes in order and makes them if need be. Whoever has written events for them before holds these locks
-- until its commit, so that a worker that is just leaving a lane sees the events or the lane is made anew.
create function whatsapp.wake(contacts bigint[], at_once boolean) returns void
language sql set search_path = '' as $$
  insert into whatsapp.lanes as lane (contact_id)
  select distinct woken from pg_catalog.unnest(contacts) as woken where woken is not null order by woken
  on conflict (contact_id) do update set
    due_at = case when at_once and lane.token is null
      then least(lane.due_at, pg_catalog.clock_timestamp()) else lane.due_at end,
    waits_for = case when at_once and lane.token is null then '' else lane.waits_for end
$$;

create function whatsapp.claim(most integer, lease interval)
returns table (contact_id bigint, token uuid, tries integer)
language sql set search_path = '' as $$
  update whatsapp.lanes as lane
  set token = pg_catalog.gen_random_uuid(), due_at = pg_catalog.clock_timestamp() + lease, waits_for = ''
  from (
    select l.contact_id from whatsapp.lanes as l
    where l.due_at <= pg_catalog.clock_timestamp() order by l.due_at limit most for update skip locked
  ) as due
  where lane.contact_id = due.contact_id
  returning lane.contact_id, lane.token, lane.tries
$$;

-- Holds the lane until the end of the transaction and prolongs the lease; false: somebody else has it by now.
create function whatsapp.hold(contact bigint, fence uuid, lease interval) returns boolean
language plpgsql set search_path = '' as $$
begin
  update whatsapp.lanes set due_at = pg_catalog.clock_timestamp() + lease
  where contact_id = contact and token = fence;
  return found;
end
$$;

-- Gives the lane back: due at once or after the wait when something is ready, else it goes.
create function whatsapp.release(contact bigint, fence uuid, pause interval, reason text) returns boolean
language plpgsql set search_path = '' as $$
begin
  perform from whatsapp.lanes where contact_id = contact and token = fence for update;
  if not found then
    return false;
  end if;
  -- A second statement, so that it sees what was committed while the first one waited.
  if exists (select from whatsapp.events where contact_id = contact and state = 'ready') then
    update whatsapp.lanes
    set token = null, due_at = pg_catalog.clock_timestamp() + pause, waits_for = reason,
      tries = case when pause > interval '0' then tries + 1 else 0 end
    where contact_id = contact;
  else
    delete from whatsapp.lanes where contact_id = contact;
  end if;
  return true;
end
$$;

-- 6. Sending ------------------------------------------------------------------------------------------------------

-- The last word before a call. go: call now. lost: the lane is somebody else's. number, pair: wait that long.
-- settled: this row needs no call any more.
create function whatsapp.begin_send(
  contact bigint, fence uuid, letter uuid, number text, lease interval, gap interval, burst integer, probe interval
) returns table (verdict text, pause double precision, attempt integer)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  now_at constant timestamptz := pg_catalog.clock_timestamp();
  line whatsapp.numbers;
  slot timestamptz;
  tries integer;
begin
  if not whatsapp.hold(contact, fence, lease) then
    return query select 'lost', 0.0::double precision, 0;
    return;
  end if;
  select greatest(next_send_at, now_at) into slot from whatsapp.contacts where id = contact;
  if slot > now_at + gap * (burst - 1) then
    return query select 'pair', extract(epoch from slot - now_at - gap * (burst - 1))::double precision, 0;
    return;
  end if;
  select * into line from whatsapp.numbers where phone_number_id = number;
  if line.circuit_open then
    update whatsapp.numbers set probe_at = now_at + probe
    where phone_number_id = number and circuit_open and probe_at <= now_at;
    if not found then
      return query select 'number', greatest(1, extract(epoch from line.probe_at - now_at))::double precision, 0;
      return;
    end if;
  elsif line.paused_until > now_at then
    return query select 'number', extract(epoch from line.paused_until - now_at)::double precision, 0;
    return;
  end if;
  update whatsapp.outbox set state = 'sending', attempts = attempts + 1, changed_at = now_at
  where id = letter and state = 'ready' returning attempts into tries;
  if tries is null then
    return query select 'settled', 0.0::double precision, 0;
    return;
  end if;
  update whatsapp.contacts set next_send_at = slot + gap where id = contact;
  return query select 'go', 0.0::double precision, tries;
end
$$;

-- Statuses only ever move a row forward, in whatever order they come. A status proves that the call was accepted.
create function whatsapp.apply_statuses(letters uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
  with known as (
    select o.id as letter, s.wamid, s.status, s.rank, s.at, s.code, s.error
    from whatsapp.outbox as o
    join whatsapp.statuses as s on s.outbox_id = o.id or s.wamid = o.wamid
    where o.id = any (letters)
  ), best as (
    select distinct on (letter) * from known order by letter, rank desc, at
  ), first as (
    select letter, min(at) as at from known group by letter
  ), turn as (
    select id from whatsapp.outbox where id = any (letters) order by id for update
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
  from best join first using (letter) join turn on turn.id = best.letter
  where o.id = best.letter
    and (o.state in ('ready', 'sending', 'unknown', 'unresolved') or o.wamid is null or best.rank > o.status_rank);
  update whatsapp.statuses as s set applied = true
  from whatsapp.outbox as o
  where o.id = any (letters) and (s.outbox_id = o.id or s.wamid = o.wamid) and not s.applied;
  perform whatsapp.resume(letters);
end
$$;

-- Events that waited only for these sends go on.
create function whatsapp.resume(letters uuid[]) returns void
language plpgsql set search_path = '' as $$
declare
  resumed bigint[];
begin
  with settled as (
    update whatsapp.events as e set state = 'ready', changed_at = pg_catalog.clock_timestamp()
    where e.id in (select o.event_id from whatsapp.outbox as o where o.id = any (letters) and o.kind = 'answer')
      and e.state in ('awaiting', 'unresolved')
      -- A notice whose fate nobody knows keeps no answer waiting.
      and not exists (
        select from whatsapp.outbox as o
        where o.event_id = e.id and o.kind = 'answer' and o.state in ('sending', 'unknown', 'unresolved'))
    returning e.contact_id
  )
  select pg_catalog.array_agg(contact_id) into resumed from settled;
  if resumed is not null then
    perform whatsapp.wake(resumed, true);
  end if;
end
$$;

-- Matches what has come with what was sent; lanes are locked before letters, as everywhere.
create function whatsapp.settle(most integer) returns integer
language plpgsql set search_path = '' as $$
declare
  letters uuid[];
begin
  select pg_catalog.array_agg(distinct matched.id) into letters from (
    select o.id from whatsapp.statuses as s
    join whatsapp.outbox as o on o.id = s.outbox_id or o.wamid = s.wamid
    where not s.applied order by s.received_at limit most
  ) as matched;
  if letters is null then
    return 0;
  end if;
  perform whatsapp.wake(array(
    select o.contact_id from whatsapp.outbox as o
    where o.id = any (letters) and o.state in ('sending', 'unknown', 'unresolved')), false);
  perform whatsapp.apply_statuses(letters);
  return pg_catalog.cardinality(letters);
end
$$;

-- A fact, whoever holds the lane by now: the call was accepted under this wamid. True: this closed the circuit.
create function whatsapp.accepted(letter uuid, accepted_wamid text, alias text, number text) returns boolean
language plpgsql set search_path = '' as $$
declare
  now_at constant timestamptz := pg_catalog.clock_timestamp();
  line whatsapp.numbers;
begin
  update whatsapp.outbox set
    state = 'accepted', wamid = coalesce(wamid, accepted_wamid), code = null, error = null,
    accepted_at = coalesce(accepted_at, pg_catalog.clock_timestamp()), changed_at = pg_catalog.clock_timestamp()
  where id = letter and state in ('sending', 'unknown', 'unresolved', 'ready');
  if alias is not null then
    update whatsapp.contacts as c set alias_digits = alias
    from whatsapp.outbox as o
    where o.id = letter and c.id = o.contact_id and c.alias_digits is distinct from alias
      and c.wa_digits is distinct from alias;
  end if;
  if exists (select from whatsapp.statuses where wamid = accepted_wamid and not applied) then
    perform whatsapp.apply_statuses(array[letter]);
  else
    perform whatsapp.resume(array[letter]);
  end if;
  select * into line from whatsapp.numbers where phone_number_id = number;
  if line.circuit_open or (line.strikes > 0 and line.paused_until <= now_at) then
    update whatsapp.numbers set circuit_open = false, strikes = 0, code = null, changed_at = now_at
    where phone_number_id = number;
    update whatsapp.lanes set due_at = now_at, waits_for = '' where waits_for = 'number' and token is null;
  end if;
  return coalesce(line.circuit_open, false);
end
$$;

-- A fact as well: call number `call` of this letter was refused; `outcome` is ready or failed. Whoever took the
-- lane over meanwhile may have left the event waiting for a status that will never come.
create function whatsapp.not_sent(letter uuid, call integer, outcome text, counts boolean, why integer, detail text)
returns void
language plpgsql set search_path = '' as $$
begin
  update whatsapp.outbox set
    state = outcome, failures = failures + counts::integer, code = why, error = detail,
    changed_at = pg_catalog.clock_timestamp()
  where id = letter and attempts = call and state in ('sending', 'unknown', 'unresolved');
  if found then
    perform whatsapp.resume(array[letter]);
  end if;
end
$$;

-- Leaves an event in a new state. lost: the lane is somebody else's by now. again: the event stays ready, because
-- a send was settled or the number was linked meanwhile. changed: done, but whose lane it is may have changed, so
-- that whoever has read its contact reads it anew. `seen` is the link version the outcome was decided under.
create function whatsapp.finish(
  contact bigint, fence uuid, event bigint, outcome text, why text, lease interval, seen bigint
) returns text
language plpgsql set search_path = '' as $$
declare
  unchanged boolean;
begin
  if not whatsapp.hold(contact, fence, lease) then
    return 'lost';
  end if;
  if outcome = 'awaiting' then
    -- Locked, so that a status that settles the send waits until it can see that somebody waits for it.
    perform from whatsapp.outbox
    where event_id = event and kind = 'answer' and state in ('sending', 'unknown') for update;
    if not found then
      return 'again';
    end if;
  end if;
  -- A change that is being made holds this lane's lock until it is done, so none can come in between.
  select link_version = seen into unchanged from whatsapp.contacts where id = contact;
  if outcome = 'held' and not unchanged then
    return 'again'; -- nobody would wake it again
  end if;
  update whatsapp.events set state = outcome, reason = why, changed_at = pg_catalog.clock_timestamp()
  where id = event and state = 'ready';
  return case when unchanged then 'done' else 'changed' end;
end
$$;

-- 7. When a person links a number ---------------------------------------------------------------------------------

-- A new contact for a number and a change of a link of that number wait for each other: a contact that the change
-- cannot see yet would be looked up before its commit, and keep an owner who is none, or wait for ever.
-- Numbers share 256 locks by their tails, so that a batch of strangers does not need thousands.
create function whatsapp.between_links(numbers text[]) returns void
language plpgsql set search_path = '' as $$
declare
  lock integer;
begin
  for lock in
    select distinct pg_catalog.hashtext(pg_catalog.right(number, 8)) & 255 as n
    from pg_catalog.unnest(numbers) as number where number is not null order by n
  loop
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('whatsapp.links'), lock);
  end loop;
end
$$;

-- Whoever was taken to be the number's owner is asked for again, and what was held for the number is handled.
-- The last eight digits find every national way of writing it.
create function ava_private.whatsapp_link_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  person constant uuid := coalesce(new.user_id, old.user_id);
  tails constant text[] := array_remove(
    array[right(old.whatsapp_phone, 8), right(new.whatsapp_phone, 8)], null);
  linked constant boolean := tg_op <> 'DELETE' and new.whatsapp_phone is not null;
  touched bigint[];
  problem text;
begin
  if tg_op = 'DELETE' and not exists (select from public.users where id = person) then
    return null; -- the account goes, and its contacts with it
  end if;
  -- A deadlock picks its victim by chance, and a pin that outlives its link is no small thing: try again.
  for attempt in 1..3 loop
    begin
      perform whatsapp.between_links(tails);
      touched := array(
        select c.id from whatsapp.contacts as c where c.user_id = person or right(c.wa_digits, 8) = any (tails));
      perform whatsapp.wake(touched, linked);
      update whatsapp.contacts as c set
        user_id = case when c.user_id = person then null else c.user_id end,
        link_version = c.link_version + 1,
        relinked_by = case when linked then person else c.relinked_by end
      where c.id = any (touched);
      if linked then
        update whatsapp.events set state = 'ready', reason = null, changed_at = pg_catalog.clock_timestamp()
        where contact_id = any (touched) and state = 'held';
      end if;
      return null;
    exception when others then
      problem := sqlstate;
      exit when problem <> '40P01';
    end;
  end loop;
  raise warning 'held messages are not replayed for a new link: %', problem;
  return null;
end
$$;
comment on function ava_private.whatsapp_link_changed() is 'A failure here must never fail the linking.';
revoke all on function ava_private.whatsapp_link_changed() from public, anon, authenticated, service_role;
create trigger whatsapp_link_changed
  after insert or delete or update of whatsapp_phone, whatsapp_linked_at on public.user_preferences
  for each row execute function ava_private.whatsapp_link_changed();

-- 8. When a person leaves -----------------------------------------------------------------------------------------

-- The account goes with everything that was said: also the bytes as they came, copies of them, statuses, what was
-- kept but not answered, and contacts that had lost their pin. Other people's turns live on in their own events.
create function ava_private.whatsapp_farewell() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  theirs bigint[];
  letters uuid[];
  names text[];
begin
  -- Nothing is split meanwhile; then lanes before what hangs on them, as everywhere.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0));
  theirs := array(
    select c.id from whatsapp.contacts as c where c.user_id = old.id
    union
    select c.id from whatsapp.contacts as c
    join public.user_preferences as p on p.whatsapp_phone = '+' || c.wa_digits
    where p.user_id = old.id and c.user_id is null
      and (c.relinked_by = old.id or (c.relinked_by is null and not c.recycled))
    union
    select c.id from whatsapp.events as e join whatsapp.contacts as c on c.id = e.contact_id
    where e.user_id = old.id and c.user_id is null and coalesce(c.relinked_by, old.id) = old.id
    union
    -- What is left of a contact that was found out to be the same person.
    select c.id from whatsapp.contacts as c
    join whatsapp.moves as m on m.contact_id = c.id and m.reason = 'united'
    join whatsapp.contacts as k on k.wa_digits = m.to_digits or k.bsuid = m.to_bsuid
    where k.user_id = old.id and c.user_id is null and c.wa_digits is null and c.bsuid is null
  );
  perform whatsapp.wake(theirs || array(select contact_id from whatsapp.events where user_id = old.id), false);
  letters := array(
    select o.id from whatsapp.outbox as o join whatsapp.events as e on e.id = o.event_id
    where o.contact_id = any (theirs) or e.user_id = old.id);
  names := array_remove(array(
    select key from whatsapp.events where contact_id = any (theirs) or user_id = old.id
    union all
    select wamid from whatsapp.outbox where id = any (letters)
    union all
    select pg_catalog.unnest(array[wa_digits, bsuid, alias_digits]) from whatsapp.contacts where id = any (theirs)
    union all
    -- A number they had before, unless it is somebody else's by now.
    select former.name from whatsapp.moves as m, pg_catalog.unnest(array[m.from_digits, m.from_bsuid]) as former (name)
    where m.contact_id = any (theirs) and not exists (
      select from whatsapp.contacts as c where former.name in (c.wa_digits, c.bsuid) and c.id <> all (theirs))
  ), null);
  delete from whatsapp.statuses where outbox_id = any (letters) or wamid = any (names);
  delete from whatsapp.events
  where user_id = old.id or (contact_id is null and whatsapp.names_in(item) && names);
  delete from whatsapp.deliveries where state = 'split' and whatsapp.names_in(body) && names;
  update whatsapp.moves set
    to_digits = case when to_digits = any (names) then null else to_digits end,
    to_bsuid = case when to_bsuid = any (names) then null else to_bsuid end
  where to_digits = any (names) or to_bsuid = any (names);
  delete from whatsapp.contacts where id = any (theirs);
  return old;
end
$$;
comment on function ava_private.whatsapp_farewell() is 'Fails the deletion rather than leave something behind.';
revoke all on function ava_private.whatsapp_farewell() from public, anon, authenticated, service_role;
create trigger whatsapp_farewell before delete on public.users
  for each row execute function ava_private.whatsapp_farewell();

-- 9. Who may touch it ---------------------------------------------------------------------------------------------

do $$
declare
  t text;
begin
  foreach t in array array[
    'deliveries', 'contacts', 'moves', 'events', 'lanes', 'outbox', 'statuses', 'numbers'] loop
    execute format('alter table whatsapp.%I enable row level security', t);
    execute format('alter table whatsapp.%I force row level security', t);
    execute format('revoke all on whatsapp.%I from public, anon, authenticated, service_role', t);
    execute format('grant select, insert, update, delete on whatsapp.%I to ava_whatsapp_gateway', t);
    execute format(
      'create policy "The gateway keeps its own books" on whatsapp.%I to ava_whatsapp_gateway using (true) with check (true)',
      t);
  end loop;
end
$$;
revoke all on all functions in schema whatsapp from public, anon, authenticated, service_role;
grant execute on all functions in schema whatsapp to ava_whatsapp_gateway;
