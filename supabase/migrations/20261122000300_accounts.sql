-- What auth remembers by itself: how often something was tried, and what happened to whose account.
-- Private: reached by ava_auth alone, never through the Data API.
set lock_timeout = '5s';
set statement_timeout = '60s';

create schema accounts;
revoke all on schema accounts from public;
grant usage on schema accounts to ava_auth;

-- One row per kind of attempt and subject: a network ("login network 203.0.113.7") or an account ("login account <sha256>").
create table accounts.attempts (
    subject text primary key check (length(subject) <= 300),
    tries integer not null default 0,
    window_ends timestamptz not null,
    locked_until timestamptz
);
comment on table accounts.attempts is 'Attempts counted before they are made; no e-mail address stands here, only its digest.';

-- Where an account has logged in before: strangers who guess its password elsewhere cannot lock it out there.
create table accounts.familiar_networks (
    account text not null check (length(account) <= 100),
    network text not null check (length(network) <= 60),
    known_until timestamptz not null,
    primary key (account, network)
);

-- The trail of security events: ids, digests and words, never a password, token, e-mail address or phone number.
create table accounts.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    event text not null check (event ~ '^[a-z]+([._][a-z]+)*$'),
    user_id uuid, -- no foreign key: the trail outlives the account
    account text check (length(account) <= 100),
    network text check (length(network) <= 60),
    request_id text check (length(request_id) <= 100),
    detail jsonb not null default '{}'
);
create index audit_at on accounts.audit (at desc);
create index audit_person on accounts.audit (user_id, at desc);
create index audit_account on accounts.audit (account, at desc);

alter table accounts.attempts enable row level security;
alter table accounts.attempts force row level security;
alter table accounts.familiar_networks enable row level security;
alter table accounts.familiar_networks force row level security;
alter table accounts.audit enable row level security;
alter table accounts.audit force row level security;

create policy "The auth room counts attempts" on accounts.attempts to ava_auth using (true) with check (true);
create policy "The auth room knows familiar networks" on accounts.familiar_networks to ava_auth using (true) with check (true);
create policy "The auth room reads the trail" on accounts.audit for select to ava_auth using (true);
create policy "The auth room adds to the trail" on accounts.audit for insert to ava_auth with check (true);

revoke all on all tables in schema accounts from public, anon, authenticated, service_role;
grant select, insert, update, delete on accounts.attempts, accounts.familiar_networks to ava_auth;
grant select, insert on accounts.audit to ava_auth;

-- One at a time for an account and a network, always asked for in this order, so that nobody waits in a circle.
-- Locks on rows would not do: a row that appears in between is locked too late.
create function accounts.alone_with(account text, network text) returns void language sql set search_path = '' as $$
    select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(account, 0));
    select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(network, 0));
$$;

-- Counts one attempt for the network and the account at once and answers how many seconds to wait; 0 means: go on,
-- a negative number: go on, but the next one has to wait that long.
-- While a subject is locked nothing is counted. Beyond the free tries every further one doubles the wait, up to the longest.
create function accounts.attempt(
    kind text, network text, account text, network_free integer, account_free integer, quiet interval, longest interval
) returns integer language plpgsql set search_path = '' as $$
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

-- The attempt was a good one: the account starts afresh, the network gets its try back and is known from now on.
-- Without `known` the attempt was not made at all, and both get their try back.
create function accounts.forgive(kind text, network text, account text, known interval)
returns void language plpgsql set search_path = '' as $$
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

-- Drops what has served its time. Auth cannot delete from the trail otherwise, and never anything younger than 30 days.
create function accounts.forget(audit_days integer) returns void language sql security definer set search_path = '' as $$
    delete from accounts.attempts where subject in (
        select subject from accounts.attempts
        where window_ends < now() and coalesce(locked_until, now()) <= now() for update skip locked
    );
    delete from accounts.familiar_networks where known_until < now();
    delete from accounts.audit where at < now() - interval '1 day' * greatest(audit_days, 30);
$$;

revoke execute on all functions in schema accounts from public, anon, authenticated, service_role;
grant execute on function
    accounts.alone_with(text, text),
    accounts.attempt(text, text, text, integer, integer, interval, interval),
    accounts.forgive(text, text, text, interval),
    accounts.forget(integer)
to ava_auth;

-- Supabase Auth's own journal names everybody by id and e-mail address and outlives them; the account's deletion, whose
-- entry is written first, takes theirs along. Ours above keeps the id and digests for its time.
create function ava_private.forget_in_the_journal() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from auth.audit_log_entries
    where payload ->> 'actor_id' = old.id::text or payload -> 'traits' ->> 'user_id' = old.id::text;
    return null;
exception when insufficient_privilege or undefined_table then
    -- A Supabase that keeps its journal to itself, or none at all: nobody may be kept from leaving for that.
    raise warning 'the journal of Supabase Auth was not cleared: %', sqlstate;
    return null;
end $$;
revoke all on function ava_private.forget_in_the_journal() from public, anon, authenticated, service_role;
create trigger ava_forget_in_the_journal after delete on auth.users
for each row execute function ava_private.forget_in_the_journal();
