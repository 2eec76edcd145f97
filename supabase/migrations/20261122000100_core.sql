-- People, their avatar, their preferences and their messages: whose rows they are, and which room may touch them.
-- Row-level security separates people; grants separate rooms. Applies on PostgreSQL 15 to 18 and on hosted Supabase.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- 1. The doors ----------------------------------------------------------------------------------------------------

-- Nothing that comes later is open by accident. For functions only the global form has an effect.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
revoke create on schema public from public;
do $$
begin
  -- A temporary function or table would let a caller shadow names that others use.
  execute format('revoke temporary on database %I from public', current_database());
end
$$;

-- One role per room. Their passwords are set outside of the migrations.
do $$
declare
  room text;
begin
  foreach room in array array['ava_auth', 'ava_profile', 'ava_messaging', 'ava_whatsapp_gateway'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = room) then
      execute format('create role %I login noinherit', room);
    end if;
    execute format('alter role %I set statement_timeout = %L', room, '10s');
    execute format('alter role %I set lock_timeout = %L', room, '5s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', room, '60s');
    -- A generic plan cannot see how many rows this one person has.
    execute format('alter role %I set plan_cache_mode = force_custom_plan', room);
  end loop;
end
$$;
grant service_role to ava_whatsapp_gateway;
grant usage on schema public to ava_profile, ava_messaging;
-- Supabase lets these roles call auth.uid(); the rooms' policies need it too.
grant usage on schema public to authenticated;

create schema ava_private;
comment on schema ava_private is 'Functions that run with their owner''s rights; nothing here is offered by an API.';
revoke all on schema ava_private from public;
grant usage on schema ava_private to service_role;

-- Time-ordered ids on every supported version: 48 bits of milliseconds, 12 of their fraction, 62 at random.
create function public.uuid_v7() returns uuid
language sql volatile parallel safe set search_path = '' as $$
  with clock as (select extract(epoch from pg_catalog.clock_timestamp()) * 1000 as ms),
       parts as (select floor(ms)::bigint as ms, floor((ms - floor(ms)) * 4096)::int as fraction from clock)
  select pg_catalog.encode(
    substring(pg_catalog.int8send(parts.ms) from 3 for 6)
    || substring(pg_catalog.int4send((7 << 12) | parts.fraction) from 3 for 2)
    || substring(pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) from 9 for 8), 'hex')::uuid
  from parts
$$;
revoke all on function public.uuid_v7() from public, anon, authenticated, service_role;
grant execute on function public.uuid_v7() to ava_auth, ava_profile, ava_messaging, ava_whatsapp_gateway;

-- 2. People -------------------------------------------------------------------------------------------------------

create table public.users (
  id uuid primary key references auth.users (id) on delete cascade,
  created_at timestamptz not null default now()
);
comment on table public.users is 'One row per account, made by a trigger when the account is created.';
alter table public.users enable row level security;
alter table public.users force row level security;
revoke all on public.users from public, anon, authenticated, service_role;
grant select on public.users to authenticated, ava_profile;
-- The trigger below never fails a sign-up; should it ever have been unable to, the person's first visit mends it.
grant insert (id) on public.users to ava_profile;
create policy "A person sees their own account" on public.users
  for select to authenticated, ava_profile using (id = (select auth.uid()));
create policy "A person arrives as themselves" on public.users
  for insert to ava_profile
  with check (id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);

create function ava_private.welcome() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.users (id) values (new.id) on conflict (id) do nothing;
  return new;
exception when others then
  raise warning 'no public.users row for a new account: %', sqlstate;
  return new;
end
$$;
comment on function ava_private.welcome() is 'A failure here must never fail a sign-up.';
revoke all on function ava_private.welcome() from public, anon, authenticated, service_role;
create trigger ava_welcome after insert on auth.users
  for each row execute function ava_private.welcome();
insert into public.users (id, created_at)
select id, coalesce(created_at, now()) from auth.users on conflict (id) do nothing;

-- 3. The avatar ---------------------------------------------------------------------------------------------------

create type public.personality as enum ('warm', 'playful', 'calm', 'witty', 'curious', 'direct');
revoke all on type public.personality from public;
grant usage on type public.personality to authenticated, ava_profile;

create table public.avatars (
  id uuid primary key default public.uuid_v7(),
  user_id uuid not null references public.users (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 80),
  age integer not null check (age >= 20 and age <= 150),
  personality public.personality not null,
  physical_description text not null check (char_length(physical_description) <= 2000),
  created_at timestamptz not null default now(),
  constraint avatars_one_per_person unique (user_id),
  constraint avatars_id_user_id_key unique (id, user_id)
);
comment on table public.avatars is 'One companion per person, at least twenty years old.';
alter table public.avatars enable row level security;
alter table public.avatars force row level security;
revoke all on public.avatars from public, anon, authenticated, service_role;
grant select on public.avatars to authenticated, ava_profile;
grant insert (user_id, name, age, personality, physical_description) on public.avatars to ava_profile;
grant update (name, age, personality, physical_description) on public.avatars to ava_profile;
grant delete on public.avatars to ava_profile;
create policy "A person sees their own avatar" on public.avatars
  for select to authenticated, ava_profile using (user_id = (select auth.uid()));
create policy "A person makes their own avatar" on public.avatars
  for insert to ava_profile
  with check (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);
create policy "A person changes their own avatar" on public.avatars
  for update to ava_profile
  using (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null)
  with check (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);
create policy "A person parts from their own avatar" on public.avatars
  for delete to ava_profile
  using (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);

-- 4. Preferences and the WhatsApp number --------------------------------------------------------------------------

create table public.user_preferences (
  user_id uuid primary key references public.users (id) on delete cascade,
  whatsapp_phone text constraint user_preferences_whatsapp_phone_key unique
    check (whatsapp_phone ~ '^\+[1-9][0-9]{6,14}$'),
  whatsapp_linked_at timestamptz,
  -- Not unique: a number that nobody has proven must not keep its owner out.
  whatsapp_pending_phone text check (whatsapp_pending_phone ~ '^\+[1-9][0-9]{6,14}$'),
  whatsapp_code_hash text check (whatsapp_code_hash ~ '^[0-9a-f]{64}$'),
  whatsapp_code_expires_at timestamptz,
  whatsapp_code_attempts integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint user_preferences_linked_whole
    check ((whatsapp_phone is null) = (whatsapp_linked_at is null)),
  constraint user_preferences_pending_whole
    check ((whatsapp_pending_phone is null) = (whatsapp_code_hash is null)
      and (whatsapp_pending_phone is null) = (whatsapp_code_expires_at is null))
);
comment on column public.user_preferences.whatsapp_phone is 'E.164. Only a linked number stands here.';
comment on column public.user_preferences.whatsapp_code_hash is
  'Hex SHA-256 of "<user_id>:<code>", the one-time code that must come from whatsapp_pending_phone.';
create index user_preferences_pending_phone on public.user_preferences (whatsapp_pending_phone)
  where whatsapp_pending_phone is not null;
alter table public.user_preferences enable row level security;
alter table public.user_preferences force row level security;
revoke all on public.user_preferences from public, anon, authenticated, service_role;
grant select (user_id, whatsapp_phone, whatsapp_linked_at, whatsapp_pending_phone, created_at, updated_at)
  on public.user_preferences to authenticated;
grant select on public.user_preferences to ava_profile;
grant insert (user_id, whatsapp_phone, whatsapp_linked_at,
    whatsapp_pending_phone, whatsapp_code_hash, whatsapp_code_expires_at)
  on public.user_preferences to ava_profile;
grant update (whatsapp_phone, whatsapp_linked_at,
    whatsapp_pending_phone, whatsapp_code_hash, whatsapp_code_expires_at)
  on public.user_preferences to ava_profile;
grant delete on public.user_preferences to ava_profile;
create policy "A person sees their own preferences" on public.user_preferences
  for select to authenticated, ava_profile using (user_id = (select auth.uid()));
create policy "A person who is present states their preferences" on public.user_preferences
  for insert to ava_profile
  with check (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);
create policy "A person who is present changes their preferences" on public.user_preferences
  for update to ava_profile
  using (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null)
  with check (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);
create policy "A person who is present clears their preferences" on public.user_preferences
  for delete to ava_profile
  using (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);

create function ava_private.note_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := pg_catalog.now();
  if new.whatsapp_code_hash is distinct from old.whatsapp_code_hash then
    new.whatsapp_code_attempts := 0;
  end if;
  return new;
end
$$;
comment on function ava_private.note_change() is 'Dates the change; a fresh code starts with no failed attempts.';
revoke all on function ava_private.note_change() from public, anon, authenticated, service_role;
create trigger note_change before update on public.user_preferences
  for each row execute function ava_private.note_change();

-- 5. Messages -----------------------------------------------------------------------------------------------------

create table public.messages (
  id uuid primary key default public.uuid_v7(),
  user_id uuid not null references public.users (id) on delete cascade,
  avatar_id uuid,
  -- Text and not enums: an enum's equality is not leakproof, so under row-level security it never reaches an index.
  channel text not null check (channel in ('app', 'whatsapp')),
  role text not null check (role in ('user', 'assistant')),
  content text not null check (char_length(content) between 1 and 65536),
  -- The wall clock, so that two rows of one transaction keep their order.
  created_at timestamptz not null default clock_timestamp(),
  external_id text check (char_length(external_id) between 1 and 512),
  constraint messages_external_id_key unique (user_id, external_id),
  -- Both columns, so that nobody can name, or probe for, another person's avatar.
  constraint messages_own_avatar foreign key (avatar_id, user_id)
    references public.avatars (id, user_id) on delete set null (avatar_id)
);
comment on table public.messages is 'The flat log: every turn of a person and their companion, on every channel.';
create index messages_newest on public.messages (user_id, created_at desc, id desc);
create index messages_newest_app on public.messages (user_id, created_at desc, id desc) where channel = 'app';
create index messages_newest_whatsapp on public.messages (user_id, created_at desc, id desc)
  where channel = 'whatsapp';
alter table public.messages enable row level security;
alter table public.messages force row level security;
revoke all on public.messages from public, anon, authenticated, service_role;
grant select on public.messages to authenticated, ava_messaging;
grant insert (id, user_id, avatar_id, channel, role, content, created_at, external_id)
  on public.messages to ava_messaging;
grant delete on public.messages to ava_messaging;
create policy "A person reads their own messages" on public.messages
  for select to authenticated, ava_messaging using (user_id = (select auth.uid()));
-- Only who acts for a person may speak on another channel or in the companion's voice (token exchange, RFC 8693).
create policy "A person writes as themselves, a delegate for them" on public.messages
  for insert to ava_messaging
  with check (
    user_id = (select auth.uid())
    and case
      when (select auth.jwt()) -> 'act' is null
        then role = 'user' and channel = 'app' and (external_id is null or external_id like 'app:%')
      else (select auth.jwt()) -> 'act' ->> 'sub' = 'whatsapp-gateway'
    end
  );
create policy "A person who is present deletes their own messages" on public.messages
  for delete to ava_messaging
  using (user_id = (select auth.uid()) and (select auth.jwt()) -> 'act' is null);

-- 6. Whose number is this? ----------------------------------------------------------------------------------------

create function ava_private.users_for_phones(candidates text[], code text default null)
returns table (phone text, user_id uuid, confirmed boolean)
language plpgsql volatile security definer set search_path = '' as $$
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
comment on function ava_private.users_for_phones(text[], text) is
  'Linked numbers among the candidates and whose they are: the one look-up past row-level security. With a code
that was asked for from one of them, within ten minutes and five attempts, the link is made first.';
revoke all on function ava_private.users_for_phones(text[], text) from public, anon, authenticated;
grant execute on function ava_private.users_for_phones(text[], text) to service_role;
