-- The database of release 0.1.0, schema and made-up data, as pg_dump of PostgreSQL 15 wrote it (--column-inserts);
-- headings, extensions and the text of the migrations are left out. Never edited: later migrations start from here.
-- Roles are the cluster's and not in a dump of a database; these are what pg_dumpall --roles-only adds.
do $$
declare
  service text;
begin
  foreach service in array array['ava_auth', 'ava_profile', 'ava_messaging', 'ava_whatsapp_gateway'] loop
    if not exists (select from pg_roles where rolname = service) then
      execute format('create role %I login noinherit', service);
    end if;
    execute format('alter role %I set statement_timeout = %L', service, '10s');
    execute format('alter role %I set lock_timeout = %L', service, '5s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', service, '60s');
    execute format('alter role %I set plan_cache_mode = force_custom_plan', service);
  end loop;
end
$$;
grant service_role to ava_whatsapp_gateway;

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA accounts;

ALTER SCHEMA accounts OWNER TO postgres;

CREATE SCHEMA auth;

ALTER SCHEMA auth OWNER TO supabase_auth_admin;

CREATE SCHEMA ava_private;

ALTER SCHEMA ava_private OWNER TO postgres;

COMMENT ON SCHEMA ava_private IS 'Functions that run with their owner''s rights; nothing here is offered by an API.';

CREATE SCHEMA extensions;

ALTER SCHEMA extensions OWNER TO supabase_admin;

CREATE SCHEMA messaging;

ALTER SCHEMA messaging OWNER TO postgres;

CREATE SCHEMA supabase_migrations;

ALTER SCHEMA supabase_migrations OWNER TO postgres;

CREATE SCHEMA whatsapp;

ALTER SCHEMA whatsapp OWNER TO postgres;

COMMENT ON SCHEMA whatsapp IS 'The gateway''s own: an inbox, one queue per contact, an outbox.';

CREATE TYPE auth.aal_level AS ENUM (
    'aal1',
    'aal2',
    'aal3'
);

ALTER TYPE auth.aal_level OWNER TO supabase_auth_admin;

CREATE TYPE public.personality AS ENUM (
    'warm',
    'playful',
    'calm',
    'witty',
    'curious',
    'direct'
);

ALTER TYPE public.personality OWNER TO postgres;

CREATE FUNCTION accounts.alone_with(account text, network text) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
    select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(account, 0));
    select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(network, 0));
$$;

ALTER FUNCTION accounts.alone_with(account text, network text) OWNER TO postgres;

CREATE FUNCTION accounts.attempt(kind text, network text, account text, network_free integer, account_free integer, quiet interval, longest interval) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    by_network text := kind || ' network ' || network;
    by_account text := kind || ' account ' || account;
    wait interval;
    moment timestamptz;
    slowed integer;
begin
    if exists (
        select from accounts.familiar_networks known
        where known.account = attempt.account and known.network = attempt.network and known.known_until > now()
    ) then
        by_account := by_account || ' at ' || network;
    end if;
    perform accounts.alone_with(kind || ' account ' || account, by_network);
    insert into accounts.attempts (subject, window_ends)
    select subject, now() + quiet from unnest(array[by_account, by_network]) as subject where subject is not null order by subject
    on conflict do nothing;
    select max(locked_until) - clock_timestamp() into wait
    from accounts.attempts where subject in (by_account, by_network);
    if wait > interval '0' then
        return ceil(extract(epoch from wait));
    end if;
    moment := clock_timestamp();
    update accounts.attempts counted
    set tries = next.tries,
        locked_until = next.locked_until,
        window_ends = greatest(case when counted.window_ends > moment then counted.window_ends end, next.locked_until + quiet, moment + quiet)
    from (
        select subject, tries, case when tries > free then moment + least(longest, interval '1 second' * 2 ^ least(tries - free, 20)) end as locked_until
        from (
            select earlier.subject, case when earlier.window_ends > moment then earlier.tries + 1 else 1 end as tries,
                case when earlier.subject = by_network then network_free else account_free end as free
            from accounts.attempts earlier where earlier.subject in (by_account, by_network)
        ) counting
    ) next
    where counted.subject = next.subject;
    select coalesce(-ceil(extract(epoch from max(locked_until) - moment)), 0) into slowed
    from accounts.attempts where subject in (by_account, by_network);
    return least(slowed, 0);
end $$;

ALTER FUNCTION accounts.attempt(kind text, network text, account text, network_free integer, account_free integer, quiet interval, longest interval) OWNER TO postgres;

CREATE FUNCTION accounts.forget(audit_days integer) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO ''
    AS $$
    delete from accounts.attempts where subject in (
        select subject from accounts.attempts
        where window_ends < now() and coalesce(locked_until, now()) <= now() for update skip locked
    );
    delete from accounts.familiar_networks where known_until < now();
    delete from accounts.audit where at < now() - interval '1 day' * greatest(audit_days, 30);
$$;

ALTER FUNCTION accounts.forget(audit_days integer) OWNER TO postgres;

CREATE FUNCTION accounts.forgive(kind text, network text, account text, known interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
    by_network text := kind || ' network ' || network;
    by_account text := kind || ' account ' || account;
    by_pair text := kind || ' account ' || account || ' at ' || network;
begin
    perform accounts.alone_with(by_account, by_network);
    update accounts.attempts set tries = greatest(tries - 1, 0), locked_until = null
    where subject = by_network or (known is null and subject in (by_account, by_pair));
    if known is not null and account is not null then
        delete from accounts.attempts where subject in (by_account, by_pair);
        insert into accounts.familiar_networks values (account, network, now() + known)
        on conflict on constraint familiar_networks_pkey do update set known_until = excluded.known_until;
    end if;
end $$;

ALTER FUNCTION accounts.forgive(kind text, network text, account text, known interval) OWNER TO postgres;

CREATE FUNCTION auth.email() RETURNS text
    LANGUAGE sql STABLE
    AS $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
  )::text
$$;

ALTER FUNCTION auth.email() OWNER TO supabase_auth_admin;

CREATE FUNCTION auth.jwt() RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

ALTER FUNCTION auth.jwt() OWNER TO supabase_auth_admin;

CREATE FUNCTION auth.role() RETURNS text
    LANGUAGE sql STABLE
    AS $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )::text
$$;

ALTER FUNCTION auth.role() OWNER TO supabase_auth_admin;

CREATE FUNCTION auth.uid() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;

ALTER FUNCTION auth.uid() OWNER TO supabase_auth_admin;

CREATE FUNCTION ava_private.forget_in_the_journal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from auth.audit_log_entries
    where payload ->> 'actor_id' = old.id::text or payload -> 'traits' ->> 'user_id' = old.id::text;
    return null;
exception when insufficient_privilege or undefined_table then
    -- A Supabase that keeps its journal to itself, or none at all: nobody may be kept from leaving for that.
    raise warning 'the journal of Supabase Auth was not cleared: %', sqlstate;
    return null;
end $$;

ALTER FUNCTION ava_private.forget_in_the_journal() OWNER TO postgres;

CREATE FUNCTION ava_private.note_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
  new.updated_at := pg_catalog.now();
  if new.whatsapp_code_hash is distinct from old.whatsapp_code_hash then
    new.whatsapp_code_attempts := 0;
  end if;
  return new;
end
$$;

ALTER FUNCTION ava_private.note_change() OWNER TO postgres;

COMMENT ON FUNCTION ava_private.note_change() IS 'Dates the change; a fresh code starts with no failed attempts.';

CREATE FUNCTION ava_private.users_for_phones(candidates text[], code text DEFAULT NULL::text) RETURNS TABLE(phone text, user_id uuid, confirmed boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
  numbers constant text[] := array(
    select distinct '+' || pg_catalog.ltrim(candidate, '+') from pg_catalog.unnest(candidates) as candidate
  );
  asked record;
  proven uuid;
begin
  if code is not null then
    for asked in
      select p.user_id, p.whatsapp_pending_phone, p.whatsapp_code_hash
      from public.user_preferences as p
      where p.whatsapp_pending_phone = any (numbers)
        and p.whatsapp_code_expires_at > pg_catalog.now()
        and p.whatsapp_code_attempts < 5
      order by p.user_id
      for update
    loop
      if proven is null and asked.whatsapp_code_hash = pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(asked.user_id::text || ':' || code, 'UTF8')), 'hex')
      then
        proven := asked.user_id;
        -- Who holds the phone outranks who only typed its number.
        update public.user_preferences as p set whatsapp_phone = null, whatsapp_linked_at = null
        where p.whatsapp_phone = asked.whatsapp_pending_phone and p.user_id <> proven;
        update public.user_preferences as p
        set whatsapp_phone = asked.whatsapp_pending_phone, whatsapp_linked_at = pg_catalog.now(),
            whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null
        where p.user_id = proven;
      else
        update public.user_preferences as p set whatsapp_code_attempts = p.whatsapp_code_attempts + 1
        where p.user_id = asked.user_id;
      end if;
    end loop;
  end if;
  return query
    select p.whatsapp_phone, p.user_id, p.user_id is not distinct from proven
    from public.user_preferences as p
    where p.whatsapp_phone = any (numbers);
end
$$;

ALTER FUNCTION ava_private.users_for_phones(candidates text[], code text) OWNER TO postgres;

COMMENT ON FUNCTION ava_private.users_for_phones(candidates text[], code text) IS 'Linked numbers among the candidates and whose they are: the one look-up past row-level security. With a code
that was asked for from one of them, within ten minutes and five attempts, the link is made first.';

CREATE FUNCTION ava_private.welcome() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
  insert into public.users (id) values (new.id) on conflict (id) do nothing;
  return new;
exception when others then
  raise warning 'no public.users row for a new account: %', sqlstate;
  return new;
end
$$;

ALTER FUNCTION ava_private.welcome() OWNER TO postgres;

COMMENT ON FUNCTION ava_private.welcome() IS 'A failure here must never fail a sign-up.';

CREATE FUNCTION ava_private.whatsapp_farewell() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION ava_private.whatsapp_farewell() OWNER TO postgres;

COMMENT ON FUNCTION ava_private.whatsapp_farewell() IS 'Fails the deletion rather than leave something behind.';

CREATE FUNCTION ava_private.whatsapp_link_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION ava_private.whatsapp_link_changed() OWNER TO postgres;

COMMENT ON FUNCTION ava_private.whatsapp_link_changed() IS 'A failure here must never fail the linking.';

CREATE FUNCTION public.uuid_v7() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    SET search_path TO ''
    AS $$
  with clock as (select extract(epoch from pg_catalog.clock_timestamp()) * 1000 as ms),
       parts as (select floor(ms)::bigint as ms, floor((ms - floor(ms)) * 4096)::int as fraction from clock)
  select pg_catalog.encode(
    substring(pg_catalog.int8send(parts.ms) from 3 for 6)
    || substring(pg_catalog.int4send((7 << 12) | parts.fraction) from 3 for 2)
    || substring(pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) from 9 for 8), 'hex')::uuid
  from parts
$$;

ALTER FUNCTION public.uuid_v7() OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.messages (
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    avatar_id uuid,
    channel text NOT NULL,
    role text NOT NULL,
    content text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    external_id text,
    CONSTRAINT messages_channel_check CHECK ((channel = ANY (ARRAY['app'::text, 'whatsapp'::text]))),
    CONSTRAINT messages_content_check CHECK (((char_length(content) >= 1) AND (char_length(content) <= 65536))),
    CONSTRAINT messages_external_id_check CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 512))),
    CONSTRAINT messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text])))
);

ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;

ALTER TABLE public.messages OWNER TO postgres;

COMMENT ON TABLE public.messages IS 'The flat log: every turn of a person and their companion, on every channel.';

CREATE FUNCTION messaging.page(claims text, newest_first boolean, only_channel text, only_role text, only_avatar uuid, only_since timestamp with time zone, only_until timestamp with time zone, only_like text, after_moment timestamp with time zone, after_id uuid, most integer) RETURNS SETOF public.messages
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
declare
  me uuid;
begin
  perform pg_catalog.set_config('role', 'ava_messaging', true),
          pg_catalog.set_config('request.jwt.claims', claims, true);
  me := (claims::jsonb ->> 'sub')::uuid;
  if newest_first then
    return query select * from public.messages as m
      where m.user_id = me
        and (only_channel is null or m.channel = only_channel) and (only_role is null or m.role = only_role)
        and (only_avatar is null or m.avatar_id = only_avatar)
        and (only_since is null or m.created_at >= only_since)
        and (only_until is null or m.created_at < only_until)
        and (only_like is null or m.content ilike only_like)
        and (after_moment is null or (m.created_at, m.id) < (after_moment, after_id))
      order by m.created_at desc, m.id desc limit most;
  else
    return query select * from public.messages as m
      where m.user_id = me
        and (only_channel is null or m.channel = only_channel) and (only_role is null or m.role = only_role)
        and (only_avatar is null or m.avatar_id = only_avatar)
        and (only_since is null or m.created_at >= only_since)
        and (only_until is null or m.created_at < only_until)
        and (only_like is null or m.content ilike only_like)
        and (after_moment is null or (m.created_at, m.id) > (after_moment, after_id))
      order by m.created_at, m.id limit most;
  end if;
end
$$;

ALTER FUNCTION messaging.page(claims text, newest_first boolean, only_channel text, only_role text, only_avatar uuid, only_since timestamp with time zone, only_until timestamp with time zone, only_like text, after_moment timestamp with time zone, after_id uuid, most integer) OWNER TO postgres;

COMMENT ON FUNCTION messaging.page(claims text, newest_first boolean, only_channel text, only_role text, only_avatar uuid, only_since timestamp with time zone, only_until timestamp with time zone, only_like text, after_moment timestamp with time zone, after_id uuid, most integer) IS 'Runs as its caller: row-level security decides, as everywhere.';

CREATE FUNCTION whatsapp.accepted(letter uuid, accepted_wamid text, alias text, number text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.accepted(letter uuid, accepted_wamid text, alias text, number text) OWNER TO postgres;

CREATE FUNCTION whatsapp.apply_statuses(letters uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.apply_statuses(letters uuid[]) OWNER TO postgres;

CREATE FUNCTION whatsapp.begin_send(contact bigint, fence uuid, letter uuid, number text, lease interval, gap interval, burst integer, probe interval) RETURNS TABLE(verdict text, pause double precision, attempt integer)
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.begin_send(contact bigint, fence uuid, letter uuid, number text, lease interval, gap interval, burst integer, probe interval) OWNER TO postgres;

CREATE FUNCTION whatsapp.between_links(numbers text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.between_links(numbers text[]) OWNER TO postgres;

CREATE FUNCTION whatsapp.claim(most integer, lease interval) RETURNS TABLE(contact_id bigint, token uuid, tries integer)
    LANGUAGE sql
    SET search_path TO ''
    AS $$
  update whatsapp.lanes as lane
  set token = pg_catalog.gen_random_uuid(), due_at = pg_catalog.clock_timestamp() + lease, waits_for = ''
  from (
    select l.contact_id from whatsapp.lanes as l
    where l.due_at <= pg_catalog.clock_timestamp() order by l.due_at limit most for update skip locked
  ) as due
  where lane.contact_id = due.contact_id
  returning lane.contact_id, lane.token, lane.tries
$$;

ALTER FUNCTION whatsapp.claim(most integer, lease interval) OWNER TO postgres;

CREATE FUNCTION whatsapp.finish(contact bigint, fence uuid, event bigint, outcome text, why text, lease interval, seen bigint) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.finish(contact bigint, fence uuid, event bigint, outcome text, why text, lease interval, seen bigint) OWNER TO postgres;

CREATE FUNCTION whatsapp.hold(contact bigint, fence uuid, lease interval) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
begin
  update whatsapp.lanes set due_at = pg_catalog.clock_timestamp() + lease
  where contact_id = contact and token = fence;
  return found;
end
$$;

ALTER FUNCTION whatsapp.hold(contact bigint, fence uuid, lease interval) OWNER TO postgres;

CREATE FUNCTION whatsapp.names_in(bytes bytea) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO ''
    AS $_$
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
$_$;

ALTER FUNCTION whatsapp.names_in(bytes bytea) OWNER TO postgres;

CREATE FUNCTION whatsapp.not_sent(letter uuid, call integer, outcome text, counts boolean, why integer, detail text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.not_sent(letter uuid, call integer, outcome text, counts boolean, why integer, detail text) OWNER TO postgres;

CREATE FUNCTION whatsapp.release(contact bigint, fence uuid, pause interval, reason text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.release(contact bigint, fence uuid, pause interval, reason text) OWNER TO postgres;

CREATE FUNCTION whatsapp.resume(letters uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.resume(letters uuid[]) OWNER TO postgres;

CREATE FUNCTION whatsapp.settle(most integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

ALTER FUNCTION whatsapp.settle(most integer) OWNER TO postgres;

CREATE FUNCTION whatsapp.wake(contacts bigint[], at_once boolean) RETURNS void
    LANGUAGE sql
    SET search_path TO ''
    AS $$
  insert into whatsapp.lanes as lane (contact_id)
  select distinct woken from pg_catalog.unnest(contacts) as woken where woken is not null order by woken
  on conflict (contact_id) do update set
    due_at = case when at_once and lane.token is null
      then least(lane.due_at, pg_catalog.clock_timestamp()) else lane.due_at end,
    waits_for = case when at_once and lane.token is null then '' else lane.waits_for end
$$;

ALTER FUNCTION whatsapp.wake(contacts bigint[], at_once boolean) OWNER TO postgres;

CREATE TABLE accounts.attempts (
    subject text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    window_ends timestamp with time zone NOT NULL,
    locked_until timestamp with time zone,
    CONSTRAINT attempts_subject_check CHECK ((length(subject) <= 300))
);

ALTER TABLE ONLY accounts.attempts FORCE ROW LEVEL SECURITY;

ALTER TABLE accounts.attempts OWNER TO postgres;

COMMENT ON TABLE accounts.attempts IS 'Attempts counted before they are made; no e-mail address stands here, only its digest.';

CREATE TABLE accounts.audit (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    event text NOT NULL,
    user_id uuid,
    account text,
    network text,
    request_id text,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT audit_account_check CHECK ((length(account) <= 100)),
    CONSTRAINT audit_event_check CHECK ((event ~ '^[a-z]+([._][a-z]+)*$'::text)),
    CONSTRAINT audit_network_check CHECK ((length(network) <= 60)),
    CONSTRAINT audit_request_id_check CHECK ((length(request_id) <= 100))
);

ALTER TABLE ONLY accounts.audit FORCE ROW LEVEL SECURITY;

ALTER TABLE accounts.audit OWNER TO postgres;

ALTER TABLE accounts.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE accounts.familiar_networks (
    account text NOT NULL,
    network text NOT NULL,
    known_until timestamp with time zone NOT NULL,
    CONSTRAINT familiar_networks_account_check CHECK ((length(account) <= 100)),
    CONSTRAINT familiar_networks_network_check CHECK ((length(network) <= 60))
);

ALTER TABLE ONLY accounts.familiar_networks FORCE ROW LEVEL SECURITY;

ALTER TABLE accounts.familiar_networks OWNER TO postgres;

CREATE TABLE auth.audit_log_entries (
    instance_id uuid,
    id uuid NOT NULL,
    payload json,
    created_at timestamp with time zone,
    ip_address character varying(64) DEFAULT ''::character varying NOT NULL
);

ALTER TABLE auth.audit_log_entries OWNER TO supabase_auth_admin;

CREATE TABLE auth.identities (
    provider_id text NOT NULL,
    user_id uuid NOT NULL,
    identity_data jsonb NOT NULL,
    provider text NOT NULL,
    last_sign_in_at timestamp with time zone,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    email text GENERATED ALWAYS AS (lower((identity_data ->> 'email'::text))) STORED,
    id uuid DEFAULT gen_random_uuid() NOT NULL
);

ALTER TABLE auth.identities OWNER TO supabase_auth_admin;

CREATE TABLE auth.mfa_amr_claims (
    session_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    authentication_method text NOT NULL,
    id uuid NOT NULL
);

ALTER TABLE auth.mfa_amr_claims OWNER TO supabase_auth_admin;

CREATE TABLE auth.refresh_tokens (
    instance_id uuid,
    id bigint NOT NULL,
    token character varying(255),
    user_id character varying(255),
    revoked boolean,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    parent character varying(255),
    session_id uuid
);

ALTER TABLE auth.refresh_tokens OWNER TO supabase_auth_admin;

CREATE SEQUENCE auth.refresh_tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER TABLE auth.refresh_tokens_id_seq OWNER TO supabase_auth_admin;

ALTER SEQUENCE auth.refresh_tokens_id_seq OWNED BY auth.refresh_tokens.id;

CREATE TABLE auth.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    factor_id uuid,
    aal auth.aal_level,
    not_after timestamp with time zone,
    refreshed_at timestamp without time zone,
    user_agent text,
    ip inet,
    tag text,
    refresh_token_hmac_key text,
    refresh_token_counter bigint
);

ALTER TABLE auth.sessions OWNER TO supabase_auth_admin;

CREATE TABLE auth.users (
    instance_id uuid,
    id uuid NOT NULL,
    aud character varying(255),
    role character varying(255),
    email character varying(255),
    encrypted_password character varying(255),
    email_confirmed_at timestamp with time zone,
    invited_at timestamp with time zone,
    confirmation_token character varying(255),
    confirmation_sent_at timestamp with time zone,
    recovery_token character varying(255),
    recovery_sent_at timestamp with time zone,
    email_change_token_new character varying(255),
    email_change character varying(255),
    email_change_sent_at timestamp with time zone,
    last_sign_in_at timestamp with time zone,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    phone text,
    phone_confirmed_at timestamp with time zone,
    phone_change text DEFAULT ''::text,
    phone_change_token character varying(255) DEFAULT ''::character varying,
    phone_change_sent_at timestamp with time zone,
    confirmed_at timestamp with time zone GENERATED ALWAYS AS (LEAST(email_confirmed_at, phone_confirmed_at)) STORED,
    email_change_token_current character varying(255) DEFAULT ''::character varying,
    email_change_confirm_status smallint DEFAULT 0,
    banned_until timestamp with time zone,
    reauthentication_token character varying(255) DEFAULT ''::character varying,
    reauthentication_sent_at timestamp with time zone,
    is_sso_user boolean DEFAULT false NOT NULL,
    deleted_at timestamp with time zone,
    is_anonymous boolean DEFAULT false NOT NULL,
    CONSTRAINT users_email_change_confirm_status_check CHECK (((email_change_confirm_status >= 0) AND (email_change_confirm_status <= 2)))
);

ALTER TABLE auth.users OWNER TO supabase_auth_admin;

CREATE TABLE public.avatars (
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    age integer NOT NULL,
    personality public.personality NOT NULL,
    physical_description text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT avatars_age_check CHECK (((age >= 20) AND (age <= 150))),
    CONSTRAINT avatars_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
    CONSTRAINT avatars_physical_description_check CHECK ((char_length(physical_description) <= 2000))
);

ALTER TABLE ONLY public.avatars FORCE ROW LEVEL SECURITY;

ALTER TABLE public.avatars OWNER TO postgres;

COMMENT ON TABLE public.avatars IS 'One companion per person, at least twenty years old.';

CREATE TABLE public.user_preferences (
    user_id uuid NOT NULL,
    whatsapp_phone text,
    whatsapp_linked_at timestamp with time zone,
    whatsapp_pending_phone text,
    whatsapp_code_hash text,
    whatsapp_code_expires_at timestamp with time zone,
    whatsapp_code_attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_preferences_linked_whole CHECK (((whatsapp_phone IS NULL) = (whatsapp_linked_at IS NULL))),
    CONSTRAINT user_preferences_pending_whole CHECK ((((whatsapp_pending_phone IS NULL) = (whatsapp_code_hash IS NULL)) AND ((whatsapp_pending_phone IS NULL) = (whatsapp_code_expires_at IS NULL)))),
    CONSTRAINT user_preferences_whatsapp_code_hash_check CHECK ((whatsapp_code_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT user_preferences_whatsapp_pending_phone_check CHECK ((whatsapp_pending_phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT user_preferences_whatsapp_phone_check CHECK ((whatsapp_phone ~ '^\+[1-9][0-9]{6,14}$'::text))
);

ALTER TABLE ONLY public.user_preferences FORCE ROW LEVEL SECURITY;

ALTER TABLE public.user_preferences OWNER TO postgres;

COMMENT ON COLUMN public.user_preferences.whatsapp_phone IS 'E.164. Only a linked number stands here.';

COMMENT ON COLUMN public.user_preferences.whatsapp_code_hash IS 'Hex SHA-256 of "<user_id>:<code>", the one-time code that must come from whatsapp_pending_phone.';

CREATE TABLE public.users (
    id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

ALTER TABLE public.users OWNER TO postgres;

COMMENT ON TABLE public.users IS 'One row per account, made by a trigger when the account is created.';

CREATE TABLE supabase_migrations.schema_migrations (
    version text NOT NULL,
    statements text[],
    name text
);

ALTER TABLE supabase_migrations.schema_migrations OWNER TO postgres;

CREATE TABLE whatsapp.contacts (
    id bigint NOT NULL,
    wa_digits text,
    bsuid text,
    parent_bsuid text,
    username text,
    alias_digits text,
    user_id uuid,
    link_version bigint DEFAULT 0 NOT NULL,
    recycled boolean DEFAULT false NOT NULL,
    relinked_by uuid,
    next_send_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY whatsapp.contacts FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.contacts OWNER TO postgres;

COMMENT ON TABLE whatsapp.contacts IS 'One row per identity on WhatsApp; events of one contact are handled in order.';

ALTER TABLE whatsapp.contacts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME whatsapp.contacts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE whatsapp.deliveries (
    id bigint NOT NULL,
    digest bytea NOT NULL,
    body bytea NOT NULL,
    trace text DEFAULT ''::text NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    state text DEFAULT 'new'::text NOT NULL,
    error text,
    CONSTRAINT deliveries_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['new'::text, 'split'::text, 'quarantined'::text])))
);

ALTER TABLE ONLY whatsapp.deliveries FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.deliveries OWNER TO postgres;

COMMENT ON TABLE whatsapp.deliveries IS 'What was posted with a good signature; identical bytes are one row.';

ALTER TABLE whatsapp.deliveries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME whatsapp.deliveries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE whatsapp.events (
    id bigint NOT NULL,
    key text NOT NULL,
    delivery_id bigint,
    contact_id bigint,
    kind text NOT NULL,
    state text NOT NULL,
    turn_id uuid,
    words text,
    sent_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    trace text DEFAULT ''::text NOT NULL,
    user_id uuid,
    avatar_id uuid,
    logged_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    reason text,
    item bytea NOT NULL,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT events_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'held'::text, 'awaiting'::text, 'unresolved'::text, 'done'::text, 'dead'::text, 'discarded'::text, 'ignored'::text, 'quarantined'::text])))
);

ALTER TABLE ONLY whatsapp.events FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.events OWNER TO postgres;

ALTER TABLE whatsapp.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME whatsapp.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE whatsapp.lanes (
    contact_id bigint NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    token uuid,
    tries integer DEFAULT 0 NOT NULL,
    waits_for text DEFAULT ''::text NOT NULL
);

ALTER TABLE ONLY whatsapp.lanes FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.lanes OWNER TO postgres;

COMMENT ON TABLE whatsapp.lanes IS 'The contacts that have something ready; one worker at a time on each.';

CREATE TABLE whatsapp.moves (
    id bigint NOT NULL,
    contact_id bigint NOT NULL,
    reason text NOT NULL,
    from_digits text,
    from_bsuid text,
    to_digits text,
    to_bsuid text,
    moved_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY whatsapp.moves FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.moves OWNER TO postgres;

COMMENT ON TABLE whatsapp.moves IS 'Numbers and ids a contact had before: whoever comes with one of them later is somebody else.';

ALTER TABLE whatsapp.moves ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME whatsapp.moves_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE whatsapp.numbers (
    phone_number_id text NOT NULL,
    paused_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    strikes integer DEFAULT 0 NOT NULL,
    circuit_open boolean DEFAULT false NOT NULL,
    probe_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    code integer,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY whatsapp.numbers FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.numbers OWNER TO postgres;

COMMENT ON TABLE whatsapp.numbers IS 'Our own numbers: paused, or broken, for every process alike.';

CREATE TABLE whatsapp.outbox (
    id uuid NOT NULL,
    event_id bigint NOT NULL,
    contact_id bigint NOT NULL,
    kind text DEFAULT 'answer'::text NOT NULL,
    part integer DEFAULT 0 NOT NULL,
    body text NOT NULL,
    state text DEFAULT 'ready'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    resent boolean DEFAULT false NOT NULL,
    wamid text,
    accepted_at timestamp with time zone,
    logged_at timestamp with time zone,
    status text,
    status_rank integer DEFAULT 0 NOT NULL,
    status_at timestamp with time zone,
    code integer,
    error text,
    notice_day date,
    changed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outbox_kind_check CHECK ((kind = ANY (ARRAY['answer'::text, 'notice'::text]))),
    CONSTRAINT outbox_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'sending'::text, 'accepted'::text, 'unknown'::text, 'unresolved'::text, 'failed'::text, 'discarded'::text])))
);

ALTER TABLE ONLY whatsapp.outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.outbox OWNER TO postgres;

COMMENT ON TABLE whatsapp.outbox IS 'Written before the call is made; a row is sent once or somebody is told why not.';

CREATE TABLE whatsapp.statuses (
    wamid text NOT NULL,
    status text NOT NULL,
    rank integer NOT NULL,
    outbox_id uuid,
    at timestamp with time zone NOT NULL,
    code integer,
    error text,
    applied boolean DEFAULT false NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY whatsapp.statuses FORCE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.statuses OWNER TO postgres;

COMMENT ON TABLE whatsapp.statuses IS 'Kept by themselves: a status may come before the answer to the call it is about.';

ALTER TABLE ONLY auth.refresh_tokens ALTER COLUMN id SET DEFAULT nextval('auth.refresh_tokens_id_seq'::regclass);

INSERT INTO accounts.attempts (subject, tries, window_ends, locked_until) VALUES
	('login network 203.0.113.7', 3, '2026-11-25 12:00:00+00', NULL),
	('login account 1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f', 12, '2026-11-25 12:00:00+00', '2026-11-25 11:59:00+00'),
	('login account 1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f at 203.0.113.7', 1, '2026-11-25 12:00:00+00', NULL);

INSERT INTO accounts.audit (id, at, event, user_id, account, network, request_id, detail) OVERRIDING SYSTEM VALUE VALUES
	(1, '2026-11-20 10:00:00+00', 'login.succeeded', 'a0000000-0000-4000-8000-000000000001', '1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f', '203.0.113.7', 'req-1', '{}'),
	(2, '2026-11-21 10:00:00+00', 'login.slowed', NULL, '1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f', '198.51.100.4', 'req-2', '{"seconds": "4"}'),
	(3, '2026-11-22 10:00:00+00', 'account.deleted', 'e0000000-0000-4000-8000-000000000005', NULL, NULL, NULL, '{}');

INSERT INTO accounts.familiar_networks (account, network, known_until) VALUES
	('1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f', '203.0.113.7', '2027-02-20 10:00:00+00'),
	('2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e', '2001:db8:1:2::/64', '2027-02-20 10:00:00+00');

INSERT INTO auth.audit_log_entries (instance_id, id, payload, created_at, ip_address) VALUES
	('00000000-0000-0000-0000-000000000000', 'a0d17000-0000-4000-8000-000000000001', '{"action":"login","actor_id":"b0000000-0000-4000-8000-000000000002"}', '2026-11-20 10:00:00+00', '');

INSERT INTO auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at, id) VALUES
	('a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', '{"sub": "a0000000-0000-4000-8000-000000000001", "email": "ada@people.example"}', 'email', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', '3da03e66-2d52-4237-9b1a-1b3b1c2839a7'),
	('b0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000002', '{"sub": "b0000000-0000-4000-8000-000000000002", "email": "ben@people.example"}', 'email', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', '9e6719c8-3ecb-417f-9105-efc4b70d206e'),
	('c0000000-0000-4000-8000-000000000003', 'c0000000-0000-4000-8000-000000000003', '{"sub": "c0000000-0000-4000-8000-000000000003", "email": "cleo@people.example"}', 'email', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', 'a104a77d-af64-48d0-b05b-2e499ccdeb3a'),
	('d0000000-0000-4000-8000-000000000004', 'd0000000-0000-4000-8000-000000000004', '{"sub": "d0000000-0000-4000-8000-000000000004", "email": "dan@people.example"}', 'email', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', '2f4f274e-3cc4-411f-a779-18665176c095');

INSERT INTO auth.refresh_tokens (instance_id, id, token, user_id, revoked, created_at, updated_at, parent, session_id) VALUES
	('00000000-0000-0000-0000-000000000000', 1, 'made-up-token', 'a0000000-0000-4000-8000-000000000001', false, '2026-11-20 10:00:00+00', '2026-11-20 10:00:00+00', NULL, '5e550000-0000-4000-8000-000000000001');

INSERT INTO auth.sessions (id, user_id, created_at, updated_at, factor_id, aal, not_after, refreshed_at, user_agent, ip, tag, refresh_token_hmac_key, refresh_token_counter) VALUES
	('5e550000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', '2026-11-20 10:00:00+00', '2026-11-20 10:00:00+00', NULL, 'aal1', NULL, NULL, 'a browser', '203.0.113.7', NULL, NULL, NULL);

INSERT INTO auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, invited_at, confirmation_token, confirmation_sent_at, recovery_token, recovery_sent_at, email_change_token_new, email_change, email_change_sent_at, last_sign_in_at, raw_app_meta_data, raw_user_meta_data, is_super_admin, created_at, updated_at, phone, phone_confirmed_at, phone_change, phone_change_token, phone_change_sent_at, email_change_token_current, email_change_confirm_status, banned_until, reauthentication_token, reauthentication_sent_at, is_sso_user, deleted_at, is_anonymous) VALUES
	('00000000-0000-0000-0000-000000000000', 'a0000000-0000-4000-8000-000000000001', 'authenticated', 'authenticated', 'ada@people.example', '$2a$10$made.up', '2026-11-01 10:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"provider": "email", "providers": ["email"]}', '{}', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', NULL, NULL, '', '', NULL, '', 0, NULL, '', NULL, false, NULL, false),
	('00000000-0000-0000-0000-000000000000', 'b0000000-0000-4000-8000-000000000002', 'authenticated', 'authenticated', 'ben@people.example', '$2a$10$made.up', '2026-11-01 10:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"provider": "email", "providers": ["email"]}', '{}', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', NULL, NULL, '', '', NULL, '', 0, NULL, '', NULL, false, NULL, false),
	('00000000-0000-0000-0000-000000000000', 'c0000000-0000-4000-8000-000000000003', 'authenticated', 'authenticated', 'cleo@people.example', '$2a$10$made.up', '2026-11-01 10:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"provider": "email", "providers": ["email"]}', '{}', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', NULL, NULL, '', '', NULL, '', 0, NULL, '', NULL, false, NULL, false),
	('00000000-0000-0000-0000-000000000000', 'd0000000-0000-4000-8000-000000000004', 'authenticated', 'authenticated', 'dan@people.example', '$2a$10$made.up', '2026-11-01 10:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"provider": "email", "providers": ["email"]}', '{}', NULL, '2026-11-01 10:00:00+00', '2026-11-01 10:00:00+00', NULL, NULL, '', '', NULL, '', 0, NULL, '', NULL, false, NULL, false);

INSERT INTO public.avatars (id, user_id, name, age, personality, physical_description, created_at) VALUES
	('a7a70000-0000-7000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ava', 27, 'warm', 'Tall, short dark hair', '2026-11-02 10:00:00+00'),
	('a7a70000-0000-7000-8000-000000000002', 'b0000000-0000-4000-8000-000000000002', 'Bo', 20, 'direct', '', '2026-11-02 11:00:00+00');

INSERT INTO public.messages (id, user_id, avatar_id, channel, role, content, created_at, external_id) VALUES
	('3e550000-0000-7000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', 'app', 'user', 'Hello from the page', '2026-11-04 10:00:00+00', 'app:key-1'),
	('3e550000-0000-7000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', NULL, 'app', 'user', 'To no avatar', '2026-11-04 10:01:00+00', NULL),
	('3e550000-0000-7000-8000-000000000011', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', 'whatsapp', 'user', 'Good morning', '2026-11-05 10:00:00+00', 'wamid.done'),
	('0b000000-0000-7000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', 'whatsapp', 'assistant', 'Good morning', '2026-11-05 10:00:01+00', 'wamid.answer-read'),
	('3e550000-0000-7000-8000-000000000021', 'b0000000-0000-4000-8000-000000000002', 'a7a70000-0000-7000-8000-000000000002', 'whatsapp', 'user', 'Oi', '2026-11-05 11:00:00+00', 'wamid.ben');

INSERT INTO public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at, whatsapp_pending_phone, whatsapp_code_hash, whatsapp_code_expires_at, whatsapp_code_attempts, created_at, updated_at) VALUES
	('a0000000-0000-4000-8000-000000000001', '+4915112345678', '2026-11-03 10:00:00+00', NULL, NULL, NULL, 0, '2026-11-03 10:00:00+00', '2026-11-03 10:00:00+00'),
	('b0000000-0000-4000-8000-000000000002', '+5511987654321', '2026-11-03 11:00:00+00', NULL, NULL, NULL, 0, '2026-11-03 11:00:00+00', '2026-11-03 11:00:00+00'),
	('c0000000-0000-4000-8000-000000000003', NULL, NULL, '+525512345678', 'abababababababababababababababababababababababababababababababab', '2026-11-25 12:00:00+00', 2, '2026-11-25 11:50:00+00', '2026-11-25 11:55:00+00');

INSERT INTO public.users (id, created_at) VALUES
	('a0000000-0000-4000-8000-000000000001', '2026-11-01 10:00:00+00'),
	('b0000000-0000-4000-8000-000000000002', '2026-11-01 10:00:00+00'),
	('c0000000-0000-4000-8000-000000000003', '2026-11-01 10:00:00+00'),
	('d0000000-0000-4000-8000-000000000004', '2026-11-01 10:00:00+00');

INSERT INTO supabase_migrations.schema_migrations (version, name) VALUES
	('20261122000100', 'core'),
	('20261122000200', 'whatsapp'),
	('20261122000300', 'accounts'),
	('20261122000400', 'messages_page');

INSERT INTO whatsapp.contacts (id, wa_digits, bsuid, parent_bsuid, username, alias_digits, user_id, link_version, recycled, relinked_by, next_send_at, first_seen_at) OVERRIDING SYSTEM VALUE VALUES
	(1, '4915112345678', 'DE.1111111111', 'DE.ENT.1', 'ada', NULL, 'a0000000-0000-4000-8000-000000000001', 2, false, 'a0000000-0000-4000-8000-000000000001', '2026-11-25 11:00:00+00', '2026-11-05 10:00:00+00'),
	(2, '551187654321', 'BR.2222222222', NULL, NULL, '5511987654321', 'b0000000-0000-4000-8000-000000000002', 1, false, NULL, '-infinity', '2026-11-05 11:00:00+00'),
	(3, '4915200000003', NULL, NULL, NULL, NULL, NULL, 0, false, NULL, '-infinity', '2026-11-06 10:00:00+00'),
	(4, '4915300000004', 'DE.4444444444', NULL, NULL, NULL, NULL, 1, true, NULL, '-infinity', '2026-11-06 11:00:00+00'),
	(5, NULL, NULL, NULL, NULL, NULL, NULL, 3, false, NULL, '-infinity', '2026-11-06 12:00:00+00'),
	(6, NULL, 'US.6666666666', NULL, 'no.number', NULL, NULL, 0, false, NULL, '-infinity', '2026-11-06 13:00:00+00');

INSERT INTO whatsapp.deliveries (id, digest, body, trace, received_at, state, error) OVERRIDING SYSTEM VALUE VALUES
	(1, '\xb9aa9904daffdf3bc7ee6edaab27e936e1935b06106ece2c536cd1d2bc14e269', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e646f6e65222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a2022476f6f64206d6f726e696e67227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-1', '2026-11-21 11:00:00+00', 'split', NULL),
	(2, '\xc7928418d46111ba465af54d34d7516761642c606608292773092591f1145892', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e7265616479222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a20225374696c6c2077616974696e67227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-2', '2026-11-22 12:00:00+00', 'split', NULL),
	(3, '\x4012ac4dd4ad98e750c61d13f8cf0d3610b6b877ca7a2ba77ea9eccff0a29af2', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135323030303030303033222c20226964223a202277616d69642e68656c64222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a202249732074686973204176613f227d7d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-3', '2026-11-23 13:00:00+00', 'split', NULL),
	(4, '\xe7df37cad9687ad4d9724224a480bd2d5e52db8deb30e86f8757d1ba8da57ea2', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e6177616974696e67222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a2022446964206974206172726976653f227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-4', '2026-11-24 14:00:00+00', 'split', NULL),
	(5, '\x0f9c6ab95fc238c862997f0649b0f662ad56039ddf9a725f5e3a14e26bf883b2', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e756e7265736f6c766564222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a2022416e6420746869733f227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-5', '2026-11-20 15:00:00+00', 'split', NULL),
	(6, '\xda1e507ed5a484f1b802bc9274c69168e482b42f4d1f2c32625f85186e8d85df', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e64656164222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a2022546f6f206d756368227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-6', '2026-11-21 16:00:00+00', 'split', NULL),
	(7, '\x406478ca56224b30a9862fecfc10eab939abfec6abd762ca72a2e44e0bab90ee', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e646973636172646564222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a202244726f702074686973227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-7', '2026-11-22 17:00:00+00', 'split', NULL),
	(8, '\x9f21874d73530173da7b89c6109a13f4fa25730bf9711635442cb4cd9abf23da', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e71756172616e74696e6564222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a2022536574206173696465227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-8', '2026-11-23 18:00:00+00', 'split', NULL),
	(9, '\x24994eca076a0f2d8827d18a6441553ef44524ddf022880479c3cc9a72b9feba', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a2022353531313837363534333231222c20226964223a202277616d69642e62656e222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a20224f69227d2c202266726f6d5f757365725f6964223a202242522e32323232323232323232227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-9', '2026-11-24 10:00:00+00', 'split', NULL),
	(10, '\x5a561dd454e3e804d05076ade0ea3447cc36de9cfb016bd797b0859b6e8c8cec', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135333030303030303034222c20226964223a202277616d69642e72656379636c6564222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a20224e65772068657265227d2c202266726f6d5f757365725f6964223a202244452e34343434343434343434227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-10', '2026-11-20 11:00:00+00', 'split', NULL),
	(11, '\xc02c9e8f40993e4b43c31c727c171f7727e45c83ffc25755651b8a3fdf64ab03', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b226964223a202277616d69642e6f6e6c792d616e2d6964222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a20224e6f206e756d626572227d2c202266726f6d5f757365725f6964223a202255532e36363636363636363636227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-11', '2026-11-21 12:00:00+00', 'split', NULL),
	(12, '\xe0de15ef7ecca6c8db482411a16a1d99ca19798742c298706d95d7b67d4aea1f', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c202266726f6d5f757365725f6964223a202244452e31313131313131313131222c20226964223a202277616d69642e7265616374696f6e222c202274696d657374616d70223a202231373935353134343030222c202274797065223a20227265616374696f6e222c20227265616374696f6e223a207b226d6573736167655f6964223a202277616d69642e646f6e65222c2022656d6f6a69223a202278227d7d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-12', '2026-11-22 13:00:00+00', 'split', NULL),
	(13, '\xc7da17e5cee253e6511b83c83112e8852076377988e2c457b63a0ee785b0a5fe', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313030303030303031222c20226964223a202277616d69642e6d6f7665222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202273797374656d222c202273797374656d223a207b2274797065223a2022757365725f6368616e6765645f6e756d626572222c202277615f6964223a202234393135313132333435363738222c2022626f6479223a202255736572206368616e676564227d7d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-13', '2026-11-23 14:00:00+00', 'split', NULL),
	(14, '\x95d428f11c2609d897f105a2f0b6349135c02fa7af60e10e0066f2652649e371', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b226964223a202277616d69642e62726f6b656e222c202274797065223a202274657874227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-14', '2026-11-24 15:00:00+00', 'split', NULL),
	(15, '\xe97aac9f02bda27b52a1ecdc004652da72adfa606310b2cc1a38ce939336dec6', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e67726f7570222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a2022696e20612067726f7570227d2c202267726f75705f6964223a20226731227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-15', '2026-11-20 16:00:00+00', 'split', NULL),
	(16, '\x5887d83f9391c9d5d6e783713323cd472b8eb2dd5552c147e9ce7a664101c9e4', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135323030303030303033222c20226964223a202277616d69642e6f757273222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a2022666f7220616e6f74686572206e756d626572227d7d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-16', '2026-11-21 17:00:00+00', 'split', NULL),
	(17, '\x5f92a46a26be270039cc68e2148dd0268a55506a1aa3557c7c980d8be70d765e', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20227374617475736573223a205b7b226964223a202277616d69642e616e737765722d72656164222c2022737461747573223a202272656164222c202274696d657374616d70223a202231373935353134353030222c2022726563697069656e745f6964223a202234393135313132333435363738227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-17', '2026-11-22 18:00:00+00', 'split', NULL),
	(18, '\xcb7d6481e2239fdcc23e78645669a959c14ab4bc21de2a406ec0089b7af19d8b', '\x7b226f626a656374223a202277686174736170705f627573696e6573735f6163636f756e74222c2022656e747279223a205b7b226964223a2022313032323930313239333430333938222c20226368616e676573223a205b7b226669656c64223a20226d65737361676573222c202276616c7565223a207b226d6573736167696e675f70726f64756374223a20227768617473617070222c20226d65746164617461223a207b22646973706c61795f70686f6e655f6e756d626572223a20223135353530373833383831222c202270686f6e655f6e756d6265725f6964223a2022313036353430333532323432393232227d2c20226d65737361676573223a205b7b2266726f6d223a202234393135313132333435363738222c20226964223a202277616d69642e6e6f742d696e676573746564222c202274696d657374616d70223a202231373935353134343030222c202274797065223a202274657874222c202274657874223a207b22626f6479223a20224a75737420696e227d2c202266726f6d5f757365725f6964223a202244452e31313131313131313131227d5d7d7d5d7d5d7d', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-18', '2026-11-23 10:00:00+00', 'new', NULL),
	(19, '\x5ae3d07cbaf6d0f67a8ef79337f7a2a99ad2fb18414adc577ede47f344556a69', '\x7b2262726f6b656e223a20223439313531313233343536373822', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-19', '2026-11-24 11:00:00+00', 'quarantined', 'JSONDecodeError'),
	(20, '\x8fde081d5ab2588bc3308d4decf87cc8dfbc47fdebf3138803b331c2f055a908', '\x00fffe206e6f742074657874', '', '2026-11-20 12:00:00+00', 'quarantined', 'UnicodeDecodeError');

INSERT INTO whatsapp.events (id, key, delivery_id, contact_id, kind, state, turn_id, words, sent_at, received_at, trace, user_id, avatar_id, logged_at, attempts, reason, item, changed_at) OVERRIDING SYSTEM VALUE VALUES
	(1, 'wamid.done', 1, 1, 'text', 'done', '3e550000-0000-7000-8000-000000000101', 'Good morning', '2026-11-20 10:00:01+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-1', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', '2026-11-20 10:02:00+00', 0, NULL, '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e646f6e65222c2274657874223a7b22626f6479223a22476f6f64206d6f726e696e67227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(2, 'wamid.ready', 2, 1, 'text', 'ready', '3e550000-0000-7000-8000-000000000102', 'Still waiting', '2026-11-20 10:00:02+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-2', NULL, NULL, NULL, 1, 'profile', '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e7265616479222c2274657874223a7b22626f6479223a225374696c6c2077616974696e67227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(3, 'wamid.held', 3, 3, 'text', 'held', '3e550000-0000-7000-8000-000000000103', 'Is this Ava?', '2026-11-20 10:00:03+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-3', NULL, NULL, NULL, 0, 'not linked', '\x7b2266726f6d223a2234393135323030303030303033222c226964223a2277616d69642e68656c64222c2274657874223a7b22626f6479223a2249732074686973204176613f227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(4, 'wamid.awaiting', 4, 1, 'text', 'awaiting', '3e550000-0000-7000-8000-000000000104', 'Did it arrive?', '2026-11-20 10:00:04+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-4', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', '2026-11-20 10:02:00+00', 0, NULL, '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e6177616974696e67222c2274657874223a7b22626f6479223a22446964206974206172726976653f227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(5, 'wamid.unresolved', 5, 1, 'text', 'unresolved', '3e550000-0000-7000-8000-000000000105', 'And this?', '2026-11-20 10:00:05+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-5', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', '2026-11-20 10:02:00+00', 0, NULL, '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e756e7265736f6c766564222c2274657874223a7b22626f6479223a22416e6420746869733f227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(6, 'wamid.dead', 6, 1, 'text', 'dead', '3e550000-0000-7000-8000-000000000106', 'Too much', '2026-11-20 10:00:06+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-6', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', '2026-11-20 10:02:00+00', 5, '5 attempts, the last: TimeoutError', '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e64656164222c2274657874223a7b22626f6479223a22546f6f206d756368227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(7, 'wamid.discarded', 7, 1, 'text', 'discarded', '3e550000-0000-7000-8000-000000000107', 'Drop this', '2026-11-20 10:00:07+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-7', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', '2026-11-20 10:02:00+00', 0, 'by an operator', '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e646973636172646564222c2274657874223a7b22626f6479223a2244726f702074686973227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(8, 'wamid.quarantined', 8, 1, 'text', 'quarantined', '3e550000-0000-7000-8000-000000000108', 'Set aside', '2026-11-20 10:00:08+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-8', 'a0000000-0000-4000-8000-000000000001', 'a7a70000-0000-7000-8000-000000000001', NULL, 0, 'by an operator', '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e71756172616e74696e6564222c2274657874223a7b22626f6479223a22536574206173696465227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(9, 'wamid.ben', 9, 2, 'text', 'done', '3e550000-0000-7000-8000-000000000109', 'Oi', '2026-11-20 10:00:09+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-9', 'b0000000-0000-4000-8000-000000000002', NULL, '2026-11-20 10:02:00+00', 0, NULL, '\x7b2266726f6d223a22353531313837363534333231222c2266726f6d5f757365725f6964223a2242522e32323232323232323232222c226964223a2277616d69642e62656e222c2274657874223a7b22626f6479223a224f69227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(10, 'wamid.recycled', 10, 4, 'text', 'held', '3e550000-0000-7000-8000-000000000110', 'New here', '2026-11-20 10:00:10+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-10', NULL, NULL, NULL, 0, 'the number belonged to another account before', '\x7b2266726f6d223a2234393135333030303030303034222c2266726f6d5f757365725f6964223a2244452e34343434343434343434222c226964223a2277616d69642e72656379636c6564222c2274657874223a7b22626f6479223a224e65772068657265227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(11, 'wamid.only-an-id', 11, 6, 'text', 'ready', '3e550000-0000-7000-8000-000000000111', 'No number', '2026-11-20 10:00:11+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-11', NULL, NULL, NULL, 0, NULL, '\x7b2266726f6d5f757365725f6964223a2255532e36363636363636363636222c226964223a2277616d69642e6f6e6c792d616e2d6964222c2274657874223a7b22626f6479223a224e6f206e756d626572227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(12, 'wamid.reaction', 12, NULL, 'reaction', 'ignored', NULL, '', '2026-11-20 10:00:12+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-12', NULL, NULL, NULL, 0, 'not a turn: reaction', '\x7b2266726f6d223a2234393135313132333435363738222c2266726f6d5f757365725f6964223a2244452e31313131313131313131222c226964223a2277616d69642e7265616374696f6e222c227265616374696f6e223a7b22656d6f6a69223a2278222c226d6573736167655f6964223a2277616d69642e646f6e65227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a227265616374696f6e227d', '2026-11-20 10:03:00+00'),
	(13, 'wamid.move', 13, NULL, 'system', 'ignored', NULL, NULL, '2026-11-20 10:00:13+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-13', NULL, NULL, NULL, 0, 'followed', '\x7b2266726f6d223a2234393135313030303030303031222c226964223a2277616d69642e6d6f7665222c2273797374656d223a7b22626f6479223a2255736572206368616e676564222c2274797065223a22757365725f6368616e6765645f6e756d626572222c2277615f6964223a2234393135313132333435363738227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2273797374656d227d', '2026-11-20 10:03:00+00'),
	(14, 'wamid.broken', 14, NULL, 'messages', 'quarantined', NULL, NULL, '2026-11-20 10:00:14+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-14', NULL, NULL, NULL, 0, 'no sender', '\x7b226964223a2277616d69642e62726f6b656e222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(15, 'wamid.group', 15, NULL, 'text', 'ignored', NULL, 'in a group', '2026-11-20 10:00:15+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-15', NULL, NULL, NULL, 0, 'a group message', '\x7b2266726f6d223a2234393135313132333435363738222c2267726f75705f6964223a226731222c226964223a2277616d69642e67726f7570222c2274657874223a7b22626f6479223a22696e20612067726f7570227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00'),
	(16, 'wamid.ours', 16, NULL, 'text', 'ignored', NULL, 'x', '2026-11-20 10:00:16+00', '2026-11-20 10:01:00+00', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 req-16', NULL, NULL, NULL, 0, 'for another phone number id', '\x7b2266726f6d223a2234393135323030303030303033222c226964223a2277616d69642e6f757273222c2274657874223a7b22626f6479223a22666f7220616e6f74686572206e756d626572227d2c2274696d657374616d70223a2231373935353134343030222c2274797065223a2274657874227d', '2026-11-20 10:03:00+00');

INSERT INTO whatsapp.lanes (contact_id, due_at, token, tries, waits_for) VALUES
	(1, '2026-11-25 11:00:00+00', NULL, 2, 'profile'),
	(6, '2026-11-25 11:01:00+00', 'f0000000-0000-4000-8000-000000000001', 0, '');

INSERT INTO whatsapp.moves (id, contact_id, reason, from_digits, from_bsuid, to_digits, to_bsuid, moved_at) OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 'changed', '4915100000001', 'DE.0000000001', '4915112345678', 'DE.1111111111', '2026-11-05 12:00:00+00'),
	(2, 5, 'united', '4915112340000', NULL, '4915112345678', 'DE.1111111111', '2026-11-06 12:00:00+00'),
	(3, 1, 'recycled', '4915300000004', 'DE.1111111111', NULL, NULL, '2026-11-06 11:00:00+00'),
	(4, 2, 'new number', '551180000000', 'BR.2222222222', '551187654321', 'BR.2222222222', '2026-11-06 11:30:00+00');

INSERT INTO whatsapp.numbers (phone_number_id, paused_until, strikes, circuit_open, probe_at, code, changed_at) VALUES
	('106540352242922', '2026-11-25 11:00:00+00', 2, false, '-infinity', 130429, '2026-11-25 10:59:00+00'),
	('106540352242923', '-infinity', 0, true, '2026-11-25 11:05:00+00', 190, '2026-11-25 11:00:00+00');

INSERT INTO whatsapp.outbox (id, event_id, contact_id, kind, part, body, state, attempts, failures, resent, wamid, accepted_at, logged_at, status, status_rank, status_at, code, error, notice_day, changed_at) VALUES
	('0b000000-0000-7000-8000-000000000001', 1, 1, 'answer', 0, 'Good morning', 'accepted', 1, 0, false, 'wamid.answer-read', '2026-11-20 10:04:00+00', NULL, 'read', 4, '2026-11-20 10:05:00+00', NULL, NULL, NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000002', 1, 1, 'answer', 1, 'part two', 'accepted', 2, 1, true, 'wamid.answer-failed', '2026-11-20 10:04:00+00', NULL, 'failed', 2, '2026-11-20 10:05:00+00', 131026, 'Message undeliverable', NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000003', 2, 1, 'answer', 0, 'Still waiting', 'ready', 0, 0, false, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000004', 2, 1, 'answer', 1, 'in flight', 'sending', 1, 0, false, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000005', 4, 1, 'answer', 0, 'Did it arrive?', 'unknown', 1, 0, false, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'ReadTimeout', NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000006', 5, 1, 'answer', 0, 'And this?', 'unresolved', 1, 0, true, NULL, NULL, NULL, NULL, 0, NULL, NULL, 'interrupted', NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000007', 6, 1, 'answer', 0, 'Too much', 'failed', 5, 5, false, NULL, NULL, NULL, NULL, 0, NULL, 131000, 'Something went wrong', NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000008', 7, 1, 'answer', 0, 'Drop this', 'discarded', 1, 0, false, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000009', 9, 2, 'answer', 0, 'Oi', 'accepted', 1, 0, false, 'wamid.answer-ben', '2026-11-20 10:04:00+00', NULL, 'delivered', 3, '2026-11-20 10:05:00+00', NULL, NULL, NULL, '2026-11-20 10:05:00+00'),
	('0b000000-0000-7000-8000-000000000010', 3, 3, 'notice', 0, 'Link your number first', 'accepted', 1, 0, false, 'wamid.notice', '2026-11-20 10:04:00+00', NULL, 'sent', 1, '2026-11-20 10:05:00+00', NULL, NULL, '2026-11-20', '2026-11-20 10:05:00+00');

INSERT INTO whatsapp.statuses (wamid, status, rank, outbox_id, at, code, error, applied, received_at) VALUES
	('wamid.answer-read', 'sent', 1, '0b000000-0000-7000-8000-000000000001', '2026-11-20 10:05:00+00', NULL, NULL, true, '2026-11-20 10:06:00+00'),
	('wamid.answer-read', 'read', 4, '0b000000-0000-7000-8000-000000000001', '2026-11-20 10:05:00+00', NULL, NULL, true, '2026-11-20 10:06:00+00'),
	('wamid.answer-failed', 'failed', 2, '0b000000-0000-7000-8000-000000000002', '2026-11-20 10:05:00+00', 131026, 'Message undeliverable', true, '2026-11-20 10:06:00+00'),
	('wamid.answer-ben', 'delivered', 3, '0b000000-0000-7000-8000-000000000009', '2026-11-20 10:05:00+00', NULL, NULL, true, '2026-11-20 10:06:00+00'),
	('wamid.early', 'sent', 1, '0b000000-0000-7000-8000-000000000005', '2026-11-20 10:05:00+00', NULL, NULL, false, '2026-11-20 10:06:00+00'),
	('wamid.somebody', 'delivered', 3, NULL, '2026-11-20 10:05:00+00', NULL, NULL, false, '2026-11-20 10:06:00+00');

SELECT pg_catalog.setval('accounts.audit_id_seq', 3, true);

SELECT pg_catalog.setval('auth.refresh_tokens_id_seq', 1, true);

SELECT pg_catalog.setval('whatsapp.contacts_id_seq', 6, true);

SELECT pg_catalog.setval('whatsapp.deliveries_id_seq', 20, true);

SELECT pg_catalog.setval('whatsapp.events_id_seq', 16, true);

SELECT pg_catalog.setval('whatsapp.moves_id_seq', 4, true);

ALTER TABLE ONLY accounts.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (subject);

ALTER TABLE ONLY accounts.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY accounts.familiar_networks
    ADD CONSTRAINT familiar_networks_pkey PRIMARY KEY (account, network);

ALTER TABLE ONLY auth.mfa_amr_claims
    ADD CONSTRAINT amr_id_pk PRIMARY KEY (id);

ALTER TABLE ONLY auth.audit_log_entries
    ADD CONSTRAINT audit_log_entries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.identities
    ADD CONSTRAINT identities_id_pk PRIMARY KEY (id);

ALTER TABLE ONLY auth.identities
    ADD CONSTRAINT identities_provider_id_provider_unique UNIQUE (provider_id, provider);

ALTER TABLE ONLY auth.mfa_amr_claims
    ADD CONSTRAINT mfa_amr_claims_session_id_authentication_method_pkey UNIQUE (session_id, authentication_method);

ALTER TABLE ONLY auth.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.refresh_tokens
    ADD CONSTRAINT refresh_tokens_token_unique UNIQUE (token);

ALTER TABLE ONLY auth.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_phone_key UNIQUE (phone);

ALTER TABLE ONLY auth.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.avatars
    ADD CONSTRAINT avatars_id_user_id_key UNIQUE (id, user_id);

ALTER TABLE ONLY public.avatars
    ADD CONSTRAINT avatars_one_per_person UNIQUE (user_id);

ALTER TABLE ONLY public.avatars
    ADD CONSTRAINT avatars_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_external_id_key UNIQUE (user_id, external_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_whatsapp_phone_key UNIQUE (whatsapp_phone);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY supabase_migrations.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY whatsapp.contacts
    ADD CONSTRAINT contacts_bsuid_key UNIQUE (bsuid);

ALTER TABLE ONLY whatsapp.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY whatsapp.contacts
    ADD CONSTRAINT contacts_wa_digits_key UNIQUE (wa_digits);

ALTER TABLE ONLY whatsapp.deliveries
    ADD CONSTRAINT deliveries_digest_key UNIQUE (digest);

ALTER TABLE ONLY whatsapp.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY whatsapp.events
    ADD CONSTRAINT events_key_key UNIQUE (key);

ALTER TABLE ONLY whatsapp.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY whatsapp.lanes
    ADD CONSTRAINT lanes_pkey PRIMARY KEY (contact_id);

ALTER TABLE ONLY whatsapp.moves
    ADD CONSTRAINT moves_pkey PRIMARY KEY (id);

ALTER TABLE ONLY whatsapp.numbers
    ADD CONSTRAINT numbers_pkey PRIMARY KEY (phone_number_id);

ALTER TABLE ONLY whatsapp.outbox
    ADD CONSTRAINT outbox_once UNIQUE (event_id, kind, part);

ALTER TABLE ONLY whatsapp.outbox
    ADD CONSTRAINT outbox_one_notice_a_day UNIQUE (contact_id, notice_day);

ALTER TABLE ONLY whatsapp.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY whatsapp.outbox
    ADD CONSTRAINT outbox_wamid_key UNIQUE (wamid);

ALTER TABLE ONLY whatsapp.statuses
    ADD CONSTRAINT statuses_pkey PRIMARY KEY (wamid, status);

CREATE INDEX audit_account ON accounts.audit USING btree (account, at DESC);

CREATE INDEX audit_at ON accounts.audit USING btree (at DESC);

CREATE INDEX audit_person ON accounts.audit USING btree (user_id, at DESC);

CREATE UNIQUE INDEX users_email_partial_key ON auth.users USING btree (email) WHERE (is_sso_user = false);

CREATE INDEX messages_newest ON public.messages USING btree (user_id, created_at DESC, id DESC);

CREATE INDEX messages_newest_app ON public.messages USING btree (user_id, created_at DESC, id DESC) WHERE (channel = 'app'::text);

CREATE INDEX messages_newest_whatsapp ON public.messages USING btree (user_id, created_at DESC, id DESC) WHERE (channel = 'whatsapp'::text);

CREATE INDEX user_preferences_pending_phone ON public.user_preferences USING btree (whatsapp_pending_phone) WHERE (whatsapp_pending_phone IS NOT NULL);

CREATE INDEX contacts_alias ON whatsapp.contacts USING btree (alias_digits) WHERE (alias_digits IS NOT NULL);

CREATE INDEX contacts_tail ON whatsapp.contacts USING btree ("right"(wa_digits, 8));

CREATE INDEX contacts_user_id ON whatsapp.contacts USING btree (user_id);

CREATE INDEX deliveries_names ON whatsapp.deliveries USING gin (whatsapp.names_in(body)) WHERE (state = 'split'::text);

CREATE INDEX deliveries_new ON whatsapp.deliveries USING btree (id) WHERE (state = 'new'::text);

CREATE INDEX deliveries_quarantined ON whatsapp.deliveries USING btree (id) WHERE (state = 'quarantined'::text);

CREATE INDEX deliveries_received_at ON whatsapp.deliveries USING btree (received_at);

CREATE INDEX events_changed_at ON whatsapp.events USING btree (changed_at);

CREATE INDEX events_contact_id ON whatsapp.events USING btree (contact_id);

CREATE INDEX events_delivery_id ON whatsapp.events USING btree (delivery_id);

CREATE INDEX events_heads ON whatsapp.events USING btree (contact_id, sent_at, id) WHERE (state = 'ready'::text);

CREATE INDEX events_held ON whatsapp.events USING btree (contact_id) WHERE (state = 'held'::text);

CREATE INDEX events_of_nobody ON whatsapp.events USING gin (whatsapp.names_in(item)) WHERE (contact_id IS NULL);

CREATE INDEX events_oldest ON whatsapp.events USING btree (received_at) WHERE (state = 'ready'::text);

CREATE INDEX events_open ON whatsapp.events USING btree (state, changed_at) WHERE (state = ANY (ARRAY['held'::text, 'awaiting'::text, 'unresolved'::text, 'dead'::text, 'quarantined'::text]));

CREATE INDEX events_user_id ON whatsapp.events USING btree (user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX lanes_due_at ON whatsapp.lanes USING btree (due_at);

CREATE INDEX moves_contact_id ON whatsapp.moves USING btree (contact_id);

CREATE INDEX moves_from_digits ON whatsapp.moves USING btree (from_digits);

CREATE INDEX outbox_open ON whatsapp.outbox USING btree (state, changed_at) WHERE (state = ANY (ARRAY['sending'::text, 'unknown'::text, 'unresolved'::text]));

CREATE INDEX statuses_outbox_id ON whatsapp.statuses USING btree (outbox_id) WHERE (outbox_id IS NOT NULL);

CREATE INDEX statuses_received_at ON whatsapp.statuses USING btree (received_at);

CREATE INDEX statuses_waiting ON whatsapp.statuses USING btree (received_at) WHERE (NOT applied);

CREATE TRIGGER ava_forget_in_the_journal AFTER DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION ava_private.forget_in_the_journal();

CREATE TRIGGER ava_welcome AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION ava_private.welcome();

CREATE TRIGGER note_change BEFORE UPDATE ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION ava_private.note_change();

CREATE TRIGGER whatsapp_farewell BEFORE DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION ava_private.whatsapp_farewell();

CREATE TRIGGER whatsapp_link_changed AFTER INSERT OR DELETE OR UPDATE OF whatsapp_phone, whatsapp_linked_at ON public.user_preferences FOR EACH ROW EXECUTE FUNCTION ava_private.whatsapp_link_changed();

ALTER TABLE ONLY auth.identities
    ADD CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.mfa_amr_claims
    ADD CONSTRAINT mfa_amr_claims_session_id_fkey FOREIGN KEY (session_id) REFERENCES auth.sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.refresh_tokens
    ADD CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES auth.sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY auth.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.avatars
    ADD CONSTRAINT avatars_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_own_avatar FOREIGN KEY (avatar_id, user_id) REFERENCES public.avatars(id, user_id) ON DELETE SET NULL (avatar_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_preferences
    ADD CONSTRAINT user_preferences_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_id_fkey FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY whatsapp.contacts
    ADD CONSTRAINT contacts_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY whatsapp.events
    ADD CONSTRAINT events_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES whatsapp.contacts(id) ON DELETE CASCADE;

ALTER TABLE ONLY whatsapp.events
    ADD CONSTRAINT events_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES whatsapp.deliveries(id) ON DELETE SET NULL;

ALTER TABLE ONLY whatsapp.lanes
    ADD CONSTRAINT lanes_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES whatsapp.contacts(id) ON DELETE CASCADE;

ALTER TABLE ONLY whatsapp.moves
    ADD CONSTRAINT moves_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES whatsapp.contacts(id) ON DELETE CASCADE;

ALTER TABLE ONLY whatsapp.outbox
    ADD CONSTRAINT outbox_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES whatsapp.contacts(id) ON DELETE CASCADE;

ALTER TABLE ONLY whatsapp.outbox
    ADD CONSTRAINT outbox_event_id_fkey FOREIGN KEY (event_id) REFERENCES whatsapp.events(id) ON DELETE CASCADE;

CREATE POLICY "The auth room adds to the trail" ON accounts.audit FOR INSERT TO ava_auth WITH CHECK (true);

CREATE POLICY "The auth room counts attempts" ON accounts.attempts TO ava_auth USING (true) WITH CHECK (true);

CREATE POLICY "The auth room knows familiar networks" ON accounts.familiar_networks TO ava_auth USING (true) WITH CHECK (true);

CREATE POLICY "The auth room reads the trail" ON accounts.audit FOR SELECT TO ava_auth USING (true);

ALTER TABLE accounts.attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE accounts.audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE accounts.familiar_networks ENABLE ROW LEVEL SECURITY;

ALTER TABLE auth.audit_log_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE auth.identities ENABLE ROW LEVEL SECURITY;

ALTER TABLE auth.mfa_amr_claims ENABLE ROW LEVEL SECURITY;

ALTER TABLE auth.refresh_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE auth.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE auth.users ENABLE ROW LEVEL SECURITY;

CREATE POLICY "A person arrives as themselves" ON public.users FOR INSERT TO ava_profile WITH CHECK (((id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person changes their own avatar" ON public.avatars FOR UPDATE TO ava_profile USING (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL))) WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person makes their own avatar" ON public.avatars FOR INSERT TO ava_profile WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person parts from their own avatar" ON public.avatars FOR DELETE TO ava_profile USING (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person reads their own messages" ON public.messages FOR SELECT TO authenticated, ava_messaging USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "A person sees their own account" ON public.users FOR SELECT TO authenticated, ava_profile USING ((id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "A person sees their own avatar" ON public.avatars FOR SELECT TO authenticated, ava_profile USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "A person sees their own preferences" ON public.user_preferences FOR SELECT TO authenticated, ava_profile USING ((user_id = ( SELECT auth.uid() AS uid)));

CREATE POLICY "A person who is present changes their preferences" ON public.user_preferences FOR UPDATE TO ava_profile USING (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL))) WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person who is present clears their preferences" ON public.user_preferences FOR DELETE TO ava_profile USING (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person who is present deletes their own messages" ON public.messages FOR DELETE TO ava_messaging USING (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person who is present states their preferences" ON public.user_preferences FOR INSERT TO ava_profile WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL)));

CREATE POLICY "A person writes as themselves, a delegate for them" ON public.messages FOR INSERT TO ava_messaging WITH CHECK (((user_id = ( SELECT auth.uid() AS uid)) AND
CASE
    WHEN ((( SELECT auth.jwt() AS jwt) -> 'act'::text) IS NULL) THEN ((role = 'user'::text) AND (channel = 'app'::text) AND ((external_id IS NULL) OR (external_id ~~ 'app:%'::text)))
    ELSE (((( SELECT auth.jwt() AS jwt) -> 'act'::text) ->> 'sub'::text) = 'whatsapp-gateway'::text)
END));

ALTER TABLE public.avatars ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_preferences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

CREATE POLICY "The gateway keeps its own books" ON whatsapp.contacts TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

CREATE POLICY "The gateway keeps its own books" ON whatsapp.deliveries TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

CREATE POLICY "The gateway keeps its own books" ON whatsapp.events TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

CREATE POLICY "The gateway keeps its own books" ON whatsapp.lanes TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

CREATE POLICY "The gateway keeps its own books" ON whatsapp.moves TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

CREATE POLICY "The gateway keeps its own books" ON whatsapp.numbers TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

CREATE POLICY "The gateway keeps its own books" ON whatsapp.outbox TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

CREATE POLICY "The gateway keeps its own books" ON whatsapp.statuses TO ava_whatsapp_gateway USING (true) WITH CHECK (true);

ALTER TABLE whatsapp.contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.lanes ENABLE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.moves ENABLE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.numbers ENABLE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE whatsapp.statuses ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA accounts TO ava_auth;

GRANT USAGE ON SCHEMA auth TO anon;
GRANT USAGE ON SCHEMA auth TO authenticated;
GRANT USAGE ON SCHEMA auth TO service_role;
GRANT USAGE ON SCHEMA auth TO postgres;
GRANT USAGE ON SCHEMA auth TO dashboard_user;

GRANT USAGE ON SCHEMA ava_private TO service_role;

GRANT USAGE ON SCHEMA extensions TO postgres;
GRANT USAGE ON SCHEMA extensions TO anon;
GRANT USAGE ON SCHEMA extensions TO authenticated;
GRANT USAGE ON SCHEMA extensions TO service_role;

GRANT USAGE ON SCHEMA messaging TO ava_messaging;

GRANT USAGE ON SCHEMA public TO postgres;
GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;
GRANT USAGE ON SCHEMA public TO ava_profile;
GRANT USAGE ON SCHEMA public TO ava_messaging;

GRANT USAGE ON SCHEMA whatsapp TO ava_whatsapp_gateway;

REVOKE ALL ON TYPE public.personality FROM PUBLIC;
GRANT ALL ON TYPE public.personality TO authenticated;
GRANT ALL ON TYPE public.personality TO ava_profile;

REVOKE ALL ON FUNCTION accounts.alone_with(account text, network text) FROM PUBLIC;
GRANT ALL ON FUNCTION accounts.alone_with(account text, network text) TO ava_auth;

REVOKE ALL ON FUNCTION accounts.attempt(kind text, network text, account text, network_free integer, account_free integer, quiet interval, longest interval) FROM PUBLIC;
GRANT ALL ON FUNCTION accounts.attempt(kind text, network text, account text, network_free integer, account_free integer, quiet interval, longest interval) TO ava_auth;

REVOKE ALL ON FUNCTION accounts.forget(audit_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION accounts.forget(audit_days integer) TO ava_auth;

REVOKE ALL ON FUNCTION accounts.forgive(kind text, network text, account text, known interval) FROM PUBLIC;
GRANT ALL ON FUNCTION accounts.forgive(kind text, network text, account text, known interval) TO ava_auth;

GRANT ALL ON FUNCTION auth.email() TO dashboard_user;
GRANT ALL ON FUNCTION auth.email() TO postgres;

GRANT ALL ON FUNCTION auth.jwt() TO dashboard_user;
GRANT ALL ON FUNCTION auth.jwt() TO postgres;

GRANT ALL ON FUNCTION auth.role() TO dashboard_user;
GRANT ALL ON FUNCTION auth.role() TO postgres;

GRANT ALL ON FUNCTION auth.uid() TO dashboard_user;
GRANT ALL ON FUNCTION auth.uid() TO postgres;

REVOKE ALL ON FUNCTION ava_private.forget_in_the_journal() FROM PUBLIC;

REVOKE ALL ON FUNCTION ava_private.note_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION ava_private.users_for_phones(candidates text[], code text) FROM PUBLIC;
GRANT ALL ON FUNCTION ava_private.users_for_phones(candidates text[], code text) TO service_role;

REVOKE ALL ON FUNCTION ava_private.welcome() FROM PUBLIC;

REVOKE ALL ON FUNCTION ava_private.whatsapp_farewell() FROM PUBLIC;

REVOKE ALL ON FUNCTION ava_private.whatsapp_link_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.uuid_v7() FROM PUBLIC;
GRANT ALL ON FUNCTION public.uuid_v7() TO ava_auth;
GRANT ALL ON FUNCTION public.uuid_v7() TO ava_profile;
GRANT ALL ON FUNCTION public.uuid_v7() TO ava_messaging;
GRANT ALL ON FUNCTION public.uuid_v7() TO ava_whatsapp_gateway;

GRANT SELECT ON TABLE public.messages TO authenticated;
GRANT SELECT,DELETE ON TABLE public.messages TO ava_messaging;

GRANT INSERT(id) ON TABLE public.messages TO ava_messaging;

GRANT INSERT(user_id) ON TABLE public.messages TO ava_messaging;

GRANT INSERT(avatar_id) ON TABLE public.messages TO ava_messaging;

GRANT INSERT(channel) ON TABLE public.messages TO ava_messaging;

GRANT INSERT(role) ON TABLE public.messages TO ava_messaging;

GRANT INSERT(content) ON TABLE public.messages TO ava_messaging;

GRANT INSERT(created_at) ON TABLE public.messages TO ava_messaging;

GRANT INSERT(external_id) ON TABLE public.messages TO ava_messaging;

REVOKE ALL ON FUNCTION messaging.page(claims text, newest_first boolean, only_channel text, only_role text, only_avatar uuid, only_since timestamp with time zone, only_until timestamp with time zone, only_like text, after_moment timestamp with time zone, after_id uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION messaging.page(claims text, newest_first boolean, only_channel text, only_role text, only_avatar uuid, only_since timestamp with time zone, only_until timestamp with time zone, only_like text, after_moment timestamp with time zone, after_id uuid, most integer) TO ava_messaging;

REVOKE ALL ON FUNCTION whatsapp.accepted(letter uuid, accepted_wamid text, alias text, number text) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.accepted(letter uuid, accepted_wamid text, alias text, number text) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.apply_statuses(letters uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.apply_statuses(letters uuid[]) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.begin_send(contact bigint, fence uuid, letter uuid, number text, lease interval, gap interval, burst integer, probe interval) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.begin_send(contact bigint, fence uuid, letter uuid, number text, lease interval, gap interval, burst integer, probe interval) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.between_links(numbers text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.between_links(numbers text[]) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.claim(most integer, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.claim(most integer, lease interval) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.finish(contact bigint, fence uuid, event bigint, outcome text, why text, lease interval, seen bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.finish(contact bigint, fence uuid, event bigint, outcome text, why text, lease interval, seen bigint) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.hold(contact bigint, fence uuid, lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.hold(contact bigint, fence uuid, lease interval) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.names_in(bytes bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.names_in(bytes bytea) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.not_sent(letter uuid, call integer, outcome text, counts boolean, why integer, detail text) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.not_sent(letter uuid, call integer, outcome text, counts boolean, why integer, detail text) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.release(contact bigint, fence uuid, pause interval, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.release(contact bigint, fence uuid, pause interval, reason text) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.resume(letters uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.resume(letters uuid[]) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.settle(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.settle(most integer) TO ava_whatsapp_gateway;

REVOKE ALL ON FUNCTION whatsapp.wake(contacts bigint[], at_once boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION whatsapp.wake(contacts bigint[], at_once boolean) TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE accounts.attempts TO ava_auth;

GRANT SELECT,INSERT ON TABLE accounts.audit TO ava_auth;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE accounts.familiar_networks TO ava_auth;

GRANT ALL ON TABLE auth.audit_log_entries TO dashboard_user;
GRANT ALL ON TABLE auth.audit_log_entries TO postgres;

GRANT ALL ON TABLE auth.identities TO dashboard_user;
GRANT ALL ON TABLE auth.identities TO postgres;

GRANT ALL ON TABLE auth.mfa_amr_claims TO dashboard_user;
GRANT ALL ON TABLE auth.mfa_amr_claims TO postgres;

GRANT ALL ON TABLE auth.refresh_tokens TO dashboard_user;
GRANT ALL ON TABLE auth.refresh_tokens TO postgres;

GRANT ALL ON SEQUENCE auth.refresh_tokens_id_seq TO dashboard_user;
GRANT ALL ON SEQUENCE auth.refresh_tokens_id_seq TO postgres;

GRANT ALL ON TABLE auth.sessions TO dashboard_user;
GRANT ALL ON TABLE auth.sessions TO postgres;

GRANT ALL ON TABLE auth.users TO dashboard_user;
GRANT ALL ON TABLE auth.users TO postgres;

GRANT SELECT ON TABLE public.avatars TO authenticated;
GRANT SELECT,DELETE ON TABLE public.avatars TO ava_profile;

GRANT INSERT(user_id) ON TABLE public.avatars TO ava_profile;

GRANT INSERT(name),UPDATE(name) ON TABLE public.avatars TO ava_profile;

GRANT INSERT(age),UPDATE(age) ON TABLE public.avatars TO ava_profile;

GRANT INSERT(personality),UPDATE(personality) ON TABLE public.avatars TO ava_profile;

GRANT INSERT(physical_description),UPDATE(physical_description) ON TABLE public.avatars TO ava_profile;

GRANT SELECT,DELETE ON TABLE public.user_preferences TO ava_profile;

GRANT SELECT(user_id) ON TABLE public.user_preferences TO authenticated;
GRANT INSERT(user_id) ON TABLE public.user_preferences TO ava_profile;

GRANT SELECT(whatsapp_phone) ON TABLE public.user_preferences TO authenticated;
GRANT INSERT(whatsapp_phone),UPDATE(whatsapp_phone) ON TABLE public.user_preferences TO ava_profile;

GRANT SELECT(whatsapp_linked_at) ON TABLE public.user_preferences TO authenticated;
GRANT INSERT(whatsapp_linked_at),UPDATE(whatsapp_linked_at) ON TABLE public.user_preferences TO ava_profile;

GRANT SELECT(whatsapp_pending_phone) ON TABLE public.user_preferences TO authenticated;
GRANT INSERT(whatsapp_pending_phone),UPDATE(whatsapp_pending_phone) ON TABLE public.user_preferences TO ava_profile;

GRANT INSERT(whatsapp_code_hash),UPDATE(whatsapp_code_hash) ON TABLE public.user_preferences TO ava_profile;

GRANT INSERT(whatsapp_code_expires_at),UPDATE(whatsapp_code_expires_at) ON TABLE public.user_preferences TO ava_profile;

GRANT SELECT(created_at) ON TABLE public.user_preferences TO authenticated;

GRANT SELECT(updated_at) ON TABLE public.user_preferences TO authenticated;

GRANT SELECT ON TABLE public.users TO authenticated;
GRANT SELECT ON TABLE public.users TO ava_profile;

GRANT INSERT(id) ON TABLE public.users TO ava_profile;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.contacts TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.deliveries TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.events TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.lanes TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.moves TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.numbers TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.outbox TO ava_whatsapp_gateway;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE whatsapp.statuses TO ava_whatsapp_gateway;

ALTER DEFAULT PRIVILEGES FOR ROLE supabase_auth_admin IN SCHEMA auth GRANT ALL ON SEQUENCES  TO dashboard_user;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_auth_admin IN SCHEMA auth GRANT ALL ON SEQUENCES  TO postgres;

ALTER DEFAULT PRIVILEGES FOR ROLE supabase_auth_admin IN SCHEMA auth GRANT ALL ON FUNCTIONS  TO dashboard_user;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_auth_admin IN SCHEMA auth GRANT ALL ON FUNCTIONS  TO postgres;

ALTER DEFAULT PRIVILEGES FOR ROLE supabase_auth_admin IN SCHEMA auth GRANT ALL ON TABLES  TO dashboard_user;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_auth_admin IN SCHEMA auth GRANT ALL ON TABLES  TO postgres;

ALTER DEFAULT PRIVILEGES FOR ROLE postgres REVOKE ALL ON FUNCTIONS  FROM PUBLIC;
