-- How often a number was linked or unlinked: counted for the account and the network, so that nobody can try numbers.
-- Additions only: release 0.1.0 calls none of this (docs/decisions/0096).
set lock_timeout = '5s';
set statement_timeout = '60s';

create schema profile;
comment on schema profile is 'Profile''s own: counted attempts to link and unlink a number.';
revoke all on schema profile from public;
grant usage on schema profile to ava_profile;

create table profile.attempts (
  subject text primary key check (length(subject) <= 300),
  tries integer not null default 0,
  window_ends timestamptz not null,
  locked_until timestamptz
);
create index attempts_window_ends on profile.attempts (window_ends);
comment on table profile.attempts is
  'Attempts to link or unlink a number, counted before they are made. No phone number is stored here.';
comment on column profile.attempts.subject is '"<kind> network <network>" or "<kind> account <user id>".';
comment on column profile.attempts.tries is 'Attempts since the window began.';
comment on column profile.attempts.window_ends is 'From then on counting starts afresh, and the row may be deleted.';
comment on column profile.attempts.locked_until is 'Until then nothing is let through or counted.';
alter table profile.attempts enable row level security;
alter table profile.attempts force row level security;
revoke all on profile.attempts from public, anon, authenticated, service_role;
grant select, insert, update, delete on profile.attempts to ava_profile;
create policy "Profile counts attempts" on profile.attempts to ava_profile using (true) with check (true);

create function profile.attempt(
  p_kind text, p_network text, p_account text, p_network_free integer, p_account_free integer, p_quiet interval,
  p_longest interval
) returns integer
language plpgsql set search_path = '' as $$
declare
  v_by_account constant text := p_kind || ' account ' || p_account;
  v_by_network constant text := p_kind || ' network ' || p_network;
  v_wait interval;
  v_now timestamptz;
begin
  -- One at a time for an account and a network, always in this order, so that nobody waits in a circle.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('profile ' || v_by_account, 0));
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('profile ' || v_by_network, 0));
  v_now := pg_catalog.clock_timestamp();
  select max(locked_until) - v_now into v_wait
  from profile.attempts where subject in (v_by_account, v_by_network);
  if v_wait > interval '0' then
    return ceil(extract(epoch from v_wait));
  end if;
  insert into profile.attempts as counted (subject, tries, window_ends)
  select subject, 1, v_now + p_quiet
  from pg_catalog.unnest(array[v_by_account, v_by_network]) as subject where subject is not null
  on conflict (subject) do update set
    tries = case when counted.window_ends > v_now then counted.tries + 1 else 1 end;
  update profile.attempts as counted
  set locked_until = next.locked_until,
    window_ends = greatest(v_now, next.locked_until) + p_quiet
  from (
    select subject, case when tries > free
      then v_now + least(p_longest, interval '1 second' * 2 ^ least(tries - free, 20)) end as locked_until
    from (
      select subject, tries, case when subject = v_by_network then p_network_free else p_account_free end as free
      from profile.attempts where subject in (v_by_account, v_by_network)
    ) as counting
  ) as next
  where counted.subject = next.subject;
  -- Last, and without waiting: what has expired, of whatever account.
  delete from profile.attempts where subject in (
    select subject from profile.attempts
    where window_ends < v_now order by window_ends limit 20 for update skip locked
  );
  return (
    select least(0, coalesce(-ceil(extract(epoch from max(locked_until) - v_now)), 0))::integer
    from profile.attempts where subject in (v_by_account, v_by_network)
  );
end
$$;
comment on function profile.attempt(text, text, text, integer, integer, interval, interval) is
  'Counts one attempt for the network and the account at once. The number of seconds to wait; 0: go on; negative: go on,
but the next one has to wait that long. While a subject is locked nothing is counted. Beyond the free attempts each
further one doubles the wait, up to the longest.';

create function profile.withdraw(p_kind text, p_network text, p_account text) returns void
language sql set search_path = '' as $$
  select pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtextextended('profile ' || p_kind || ' account ' || p_account, 0));
  select pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtextextended('profile ' || p_kind || ' network ' || p_network, 0));
  update profile.attempts set tries = greatest(tries - 1, 0), locked_until = null
  where subject in (p_kind || ' account ' || p_account, p_kind || ' network ' || p_network);
$$;
comment on function profile.withdraw(text, text, text) is
  'The attempt was not made at all, because something else failed: the account and the network get it back.';

create function accounts.withdraw(p_kind text, p_network text, p_account text) returns void
language sql set search_path = '' as $$
  select accounts.forgive(p_kind => p_kind, p_network => p_network, p_account => p_account, p_known => null);
$$;
comment on function accounts.withdraw(text, text, text) is
  'The attempt was not made at all, because something else failed: the account and the network get it back.';

revoke execute on all functions in schema profile from public, anon, authenticated, service_role;
grant execute on all functions in schema profile to ava_profile;
revoke execute on function accounts.withdraw(text, text, text) from public, anon, authenticated, service_role;
grant execute on function accounts.withdraw(text, text, text) to ava_auth;

create function ava_private.forget_link_attempts() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from profile.attempts
  where subject in ('link account ' || old.id::text, 'unlink account ' || old.id::text);
  return null;
end
$$;
comment on function ava_private.forget_link_attempts() is
  'What was counted for an account goes with it; the network''s count names no one and expires.';
revoke all on function ava_private.forget_link_attempts() from public, anon, authenticated, service_role;
create trigger forget_link_attempts after delete on public.users
  for each row execute function ava_private.forget_link_attempts();
