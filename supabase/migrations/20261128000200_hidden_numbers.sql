-- A user whose WhatsApp hides the number is linked by Meta's business-scoped id, once a code has come from it.
-- Release 0.1.0 never asks for such an id, and what it writes about a number ends the other kind of link by a trigger
-- (docs/decisions/0097).
set lock_timeout = '5s';
set statement_timeout = '60s';

create table profile.hidden_number_links (
  user_id uuid primary key references public.users (id) on delete cascade,
  bsuid text not null constraint hidden_number_links_bsuid_key unique
    check (bsuid ~ '^[A-Z]{2}[.][.0-9A-Za-z]{1,132}$'),
  linked_at timestamptz not null default now()
);
comment on table profile.hidden_number_links is
  'Users whose WhatsApp hides the number, linked by a code that came from there. A user has this or a number, not both.
Written by ava_private.users_for_phones only.';
comment on column profile.hidden_number_links.bsuid is 'Meta''s business-scoped user id.';
comment on column profile.hidden_number_links.linked_at is 'When the code came.';
alter table profile.hidden_number_links enable row level security;
alter table profile.hidden_number_links force row level security;
revoke all on profile.hidden_number_links from public, anon, authenticated, service_role;
grant select on profile.hidden_number_links to ava_profile;
create policy "A person sees their own link" on profile.hidden_number_links
  for select to ava_profile using (user_id = (select auth.uid()));

-- 1. Guesses ------------------------------------------------------------------------------------------------------

-- With a number the guesses count for the account that waits for it; without one they can only count for the contact.
alter table whatsapp.contacts add column code_attempts integer not null default 0;
alter table whatsapp.contacts add column code_attempts_until timestamptz;
comment on column whatsapp.contacts.code_attempts is
  'Codes that came without a visible number since the window began; counted before they are compared.';
comment on column whatsapp.contacts.code_attempts_until is 'From then on counting starts afresh.';

create function whatsapp.count_code_attempt(p_contact_id bigint, p_most integer, p_window interval) returns boolean
language sql set search_path = '' as $$
  update whatsapp.contacts as c set
    code_attempts = case when c.code_attempts_until > pg_catalog.clock_timestamp() then c.code_attempts + 1 else 1 end,
    code_attempts_until = case when c.code_attempts_until > pg_catalog.clock_timestamp() then c.code_attempts_until
      else pg_catalog.clock_timestamp() + p_window end
  where c.id = p_contact_id
  returning c.code_attempts <= p_most
$$;
comment on function whatsapp.count_code_attempt(bigint, integer, interval) is
  'Counts a code from a contact without a visible number; false when it had too many in the window.';
revoke all on function whatsapp.count_code_attempt(bigint, integer, interval)
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.count_code_attempt(bigint, integer, interval) to ava_whatsapp_gateway;

-- 2. Whose is it --------------------------------------------------------------------------------------------------

-- The same function for the same candidates; an id among them, which release 0.1.0 never passes, is new.
create or replace function ava_private.users_for_phones(p_candidates text[], p_code text default null)
returns table (phone text, user_id uuid, confirmed boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_ids constant text[] := array(
    select distinct candidate from pg_catalog.unnest(p_candidates) as candidate
    where candidate ~ '^[A-Z]{2}[.][.0-9A-Za-z]{1,132}$'
  );
  v_numbers constant text[] := array(
    select distinct '+' || pg_catalog.ltrim(candidate, '+')
    from pg_catalog.unnest(p_candidates) as candidate where candidate <> all (v_ids)
  );
  v_asked record;
  v_proven uuid;
  v_phone text;
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
  -- The number is hidden: the code alone says whose it is, and proves nothing about the number that was typed.
  if p_code is not null and pg_catalog.cardinality(v_numbers) = 0 and pg_catalog.cardinality(v_ids) = 1 then
    select p.user_id, p.whatsapp_phone into v_proven, v_phone
    from public.user_preferences as p
    where p.whatsapp_pending_phone is not null
      and p.whatsapp_code_expires_at > pg_catalog.now()
      and p.whatsapp_code_attempts < 5
      and p.whatsapp_code_hash = pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(p.user_id::text || ':' || p_code, 'UTF8')), 'hex')
    order by p.user_id limit 1
    for update;
    if v_proven is not null then
      -- All locks first, in their order: both contacts may change, that of the number until now and that of the id.
      perform whatsapp.between_links(p_numbers => array[v_phone]);
      perform whatsapp.wake(p_contact_ids => array(
        select c.id from whatsapp.contacts as c where c.user_id = v_proven or c.bsuid = any (v_ids)
      ), p_at_once => false);
      update public.user_preferences as p
      set whatsapp_phone = null, whatsapp_linked_at = null,
          whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null
      where p.user_id = v_proven;
      delete from profile.hidden_number_links as l where l.bsuid = any (v_ids);
      insert into profile.hidden_number_links (user_id, bsuid) values (v_proven, v_ids[1]);
    end if;
  end if;
  return query
    select p.whatsapp_phone, p.user_id, p.user_id is not distinct from v_proven
    from public.user_preferences as p
    where p.whatsapp_phone = any (v_numbers)
    union all
    select l.bsuid, l.user_id, l.user_id is not distinct from v_proven
    from profile.hidden_number_links as l
    where l.bsuid = any (v_ids);
end
$$;
comment on function ava_private.users_for_phones(text[], text) is
  'Which of the candidates, numbers and business-scoped ids, are linked, and to whom: the one look-up past row-level
security. With a code the link is made first: for a number that waits for it, within ten minutes and five attempts; for
an id whose number is hidden, with any account''s code of the last ten minutes.';

-- 3. What a link by id changes ------------------------------------------------------------------------------------

create function ava_private.whatsapp_number_written() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from profile.hidden_number_links where user_id = new.user_id;
  return null;
end
$$;
comment on function ava_private.whatsapp_number_written() is
  'A number that is linked or unlinked ends the user''s link by id, whichever release of profile wrote it.';
revoke all on function ava_private.whatsapp_number_written() from public, anon, authenticated, service_role;
-- By its name after whatsapp_link_changed, which takes the locks that come first.
create trigger whatsapp_number_written after insert or update of whatsapp_phone on public.user_preferences
  for each row execute function ava_private.whatsapp_number_written();

create function ava_private.hidden_number_link_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_linked constant boolean := tg_op = 'INSERT';
  v_bsuid constant text := case when v_linked then new.bsuid else old.bsuid end;
  v_touched constant bigint[] := array(select c.id from whatsapp.contacts as c where c.bsuid = v_bsuid);
begin
  perform whatsapp.wake(p_contact_ids => v_touched, p_at_once => v_linked);
  update whatsapp.contacts as c set
    user_id = null,
    link_version = c.link_version + 1,
    relinked_by = case when v_linked then new.user_id else c.relinked_by end
  where c.id = any (v_touched);
  if v_linked then
    update whatsapp.events set state = 'ready', reason = null, changed_at = pg_catalog.clock_timestamp()
    where contact_id = any (v_touched) and state = 'held';
  end if;
  return null;
end
$$;
comment on function ava_private.hidden_number_link_changed() is
  'As whatsapp_link_changed, for a link by id: the contact is looked up anew, and what it held is handled. A failure here
fails the linking.';
revoke all on function ava_private.hidden_number_link_changed() from public, anon, authenticated, service_role;
create trigger hidden_number_link_changed after insert or delete on profile.hidden_number_links
  for each row execute function ava_private.hidden_number_link_changed();

create function ava_private.bsuid_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update profile.hidden_number_links as l set bsuid = new.bsuid
  where l.user_id = new.user_id and l.bsuid = old.bsuid
    and not exists (select from profile.hidden_number_links as other where other.bsuid = new.bsuid);
  return null;
end
$$;
comment on function ava_private.bsuid_changed() is
  'Meta told us of the new id of a contact: the link by its former id goes along.';
revoke all on function ava_private.bsuid_changed() from public, anon, authenticated, service_role;
create trigger bsuid_changed after update of bsuid on whatsapp.contacts
  for each row when (old.bsuid is distinct from new.bsuid and new.bsuid is not null and new.user_id is not null)
  execute function ava_private.bsuid_changed();
