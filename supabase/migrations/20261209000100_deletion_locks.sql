-- A look-up of an owner, statuses that are applied, and contacts that turn out to be one person meet the deletion of
-- that account, and none of them waits in a circle (docs/decisions/0127). The same functions with the same answers.
set lock_timeout = '5s';
set statement_timeout = '60s';

comment on schema whatsapp is
  'The gateway''s own: an inbox, one queue per contact, an outbox.
Lock order: ingest (advisory), rows of public.users by id, rows of public.user_preferences by user_id, links (advisory,
between_links, for numbers and ids), lanes by contact_id, contacts, profile.hidden_number_links, outbox by id, statuses,
events. Facts about a call (accepted, not_sent) are written whatever is locked; their callers and the deletion of an
account repeat after a deadlock.';

-- 1. Looking up an owner ------------------------------------------------------------------------------------------

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
  v_owners uuid[] := '{}';
  v_concerned uuid[];
  v_held uuid[] := '{}';
  v_proven uuid;
  v_phone text;
  v_former text;
begin
  -- Accounts first: what is found here is pinned, and one that is being deleted has its row already.
  while pg_catalog.current_setting('transaction_read_only') = 'off' loop
    v_concerned := array(
      select p.user_id from public.user_preferences as p where p.whatsapp_phone = any (v_numbers)
      union
      select l.user_id from profile.hidden_number_links as l where l.bsuid = any (v_ids)
      union
      select p.user_id from public.user_preferences as p
      where p_code is not null and p.whatsapp_pending_phone is not null
        and (p.whatsapp_pending_phone = any (v_numbers) or v_numbers = '{}')
        and p.whatsapp_code_hash = pg_catalog.encode(
          pg_catalog.sha256(pg_catalog.convert_to(p.user_id::text || ':' || p_code, 'UTF8')), 'hex'));
    exit when v_concerned <@ v_held;
    perform from public.users as u where u.id = any (v_concerned) order by u.id for key share;
    v_held := v_held || v_concerned;
  end loop;
  if p_code is not null then
    -- Who waits for the number and who has it: all rows at once, in one order.
    for v_asked in
      select p.user_id, p.whatsapp_phone, p.whatsapp_pending_phone, p.whatsapp_code_hash,
        coalesce(p.whatsapp_pending_phone = any (v_numbers)
          and p.whatsapp_code_expires_at > pg_catalog.now() and p.whatsapp_code_attempts < 5, false) as waits
      from public.user_preferences as p
      where p.whatsapp_phone = any (v_numbers)
        or (p.whatsapp_pending_phone = any (v_numbers)
          and p.whatsapp_code_expires_at > pg_catalog.now() and p.whatsapp_code_attempts < 5)
      order by p.user_id
      for update
    loop
      if v_asked.whatsapp_phone = any (v_numbers) then
        v_owners := v_owners || v_asked.user_id;
      end if;
      continue when not v_asked.waits;
      if v_proven is null and v_asked.whatsapp_code_hash = pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(v_asked.user_id::text || ':' || p_code, 'UTF8')), 'hex')
      then
        v_proven := v_asked.user_id;
        v_phone := v_asked.whatsapp_pending_phone;
        v_former := v_asked.whatsapp_phone;
      else
        update public.user_preferences as p set whatsapp_code_attempts = p.whatsapp_code_attempts + 1
        where p.user_id = v_asked.user_id;
      end if;
    end loop;
    if v_proven is not null then
      perform ava_private.lock_linked_contacts(
        p_user_ids => v_owners || v_proven, p_bsuids => v_ids, p_at_once => false,
        p_digits => array[pg_catalog.ltrim(v_phone, '+'), pg_catalog.ltrim(v_former, '+')]);
      -- Who holds the phone outranks who only typed its number, and who had it before.
      update public.user_preferences as p set whatsapp_phone = null, whatsapp_linked_at = null
      where p.whatsapp_phone = v_phone and p.user_id <> v_proven;
      update public.user_preferences as p
      set whatsapp_phone = v_phone, whatsapp_linked_at = pg_catalog.now(),
          whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null
      where p.user_id = v_proven;
      delete from profile.hidden_number_links as l where l.bsuid = any (v_ids);
    end if;
  end if;
  -- The number is hidden: the code alone says whose it is, and proves nothing about the number that was typed.
  if p_code is not null and pg_catalog.cardinality(v_numbers) = 0 and pg_catalog.cardinality(v_ids) = 1 then
    select p.user_id, p.whatsapp_phone into v_proven, v_former
    from public.user_preferences as p
    where p.whatsapp_pending_phone is not null
      and p.whatsapp_code_expires_at > pg_catalog.now()
      and p.whatsapp_code_attempts < 5
      and p.whatsapp_code_hash = pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(p.user_id::text || ':' || p_code, 'UTF8')), 'hex')
    order by p.user_id limit 1
    for update;
    if v_proven is not null then
      perform ava_private.lock_linked_contacts(
        p_user_ids => array[v_proven], p_digits => array[pg_catalog.ltrim(v_former, '+')], p_bsuids => v_ids,
        p_at_once => false);
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

-- 2. Deleting an account ------------------------------------------------------------------------------------------

create function ava_private.wait_for_ingest() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0));
  return null;
end
$$;
comment on function ava_private.wait_for_ingest() is
  'Before the deletion of an account has its row: ingest may be about to give that account a contact, for which it asks
for the row.';
revoke all on function ava_private.wait_for_ingest() from public, anon, authenticated, service_role;
create trigger wait_for_ingest before delete on public.users
  for each statement execute function ava_private.wait_for_ingest();

create function ava_private.contacts_of_account(p_user_id uuid, p_digits text, p_bsuid text) returns bigint[]
language sql volatile set search_path = '' as $$
  select array(
    select c.id from whatsapp.contacts as c
    where c.user_id = p_user_id or (c.bsuid = p_bsuid and c.user_id is null)
    union
    -- Not looked up yet. A contact with these very digits, or one that is linked in no other spelling.
    select c.id from whatsapp.contacts as c
    where right(c.wa_digits, 8) = right(p_digits, 8) and p_digits = any (whatsapp.number_spellings(c.wa_digits))
      and c.user_id is null and (c.relinked_by = p_user_id or (c.relinked_by is null and not c.recycled))
      and (c.wa_digits = p_digits or not exists (
        select from public.user_preferences as p where p.whatsapp_phone = '+' || c.wa_digits))
    union
    -- The same for what Meta calls it, unless another account has linked one of its numbers.
    select c.id from whatsapp.contacts as c
    where c.alias_digits = any (whatsapp.number_spellings(p_digits))
      and c.user_id is null and (c.relinked_by = p_user_id or (c.relinked_by is null and not c.recycled))
      and not exists (
        select from public.user_preferences as p
        where p.user_id <> p_user_id and pg_catalog.ltrim(p.whatsapp_phone, '+') = any (
          whatsapp.number_spellings(c.wa_digits) || whatsapp.number_spellings(c.alias_digits)))
    union
    -- No longer linked. A stamp counts only as long as its link is one of this number.
    select c.id from whatsapp.events as e join whatsapp.contacts as c on c.id = e.contact_id
    where e.user_id = p_user_id and c.user_id is null
      and not exists (
        select from public.user_preferences as p
        where p.user_id = c.relinked_by and p.user_id <> p_user_id
          and pg_catalog.ltrim(p.whatsapp_phone, '+') = any (
            whatsapp.number_spellings(c.wa_digits) || whatsapp.number_spellings(c.alias_digits)))
      and not exists (
        select from whatsapp.events as others where others.contact_id = c.id and others.user_id <> p_user_id)
    union
    -- What is left of a contact that was found out to be the same person.
    select c.id from whatsapp.contacts as c
    join whatsapp.moves as m on m.contact_id = c.id and m.reason = 'united'
    join whatsapp.contacts as k on k.wa_digits = m.to_digits or k.bsuid = m.to_bsuid
    where k.user_id = p_user_id and c.user_id is null and c.wa_digits is null and c.bsuid is null
  )
$$;
comment on function ava_private.contacts_of_account(uuid, text, text) is
  'The contacts that go with an account: its own, those that its number or id would find, and those that nobody else has
written from since.';
revoke all on function ava_private.contacts_of_account(uuid, text, text) from public, anon, authenticated, service_role;

create function ava_private.delete_whatsapp_of(p_user_id uuid) returns void
language plpgsql set search_path = '' as $$
declare
  v_phone text;
  v_bsuid text;
  v_locked bigint[] := '{}';
  v_touched bigint[];
  v_contact_ids bigint[];
  v_send_ids uuid[];
  v_names text[];
begin
  select pg_catalog.ltrim(p.whatsapp_phone, '+') into v_phone
  from public.user_preferences as p where p.user_id = p_user_id for update;
  v_bsuid := (select l.bsuid from profile.hidden_number_links as l where l.user_id = p_user_id);
  perform whatsapp.between_links(array[v_phone, v_bsuid]);
  loop
    -- Asked again under the locks: a contact may have got an owner meanwhile.
    v_contact_ids := ava_private.contacts_of_account(p_user_id => p_user_id, p_digits => v_phone, p_bsuid => v_bsuid);
    v_touched := v_contact_ids || array(
      select e.contact_id from whatsapp.events as e where e.user_id = p_user_id and e.contact_id is not null
      union
      -- The end of the links looks at these once more.
      select c.id from whatsapp.contacts as c
      where right(c.wa_digits, 8) = right(v_phone, 8) or c.alias_digits = v_phone or c.bsuid = v_bsuid);
    exit when v_touched <@ v_locked;
    perform whatsapp.wake(p_contact_ids => v_touched, p_at_once => false);
    v_locked := v_locked || v_touched;
  end loop;
  v_send_ids := array(
    select o.id from whatsapp.outbox as o join whatsapp.events as e on e.id = o.event_id
    where o.contact_id = any (v_contact_ids) or e.user_id = p_user_id);
  v_names := array_remove(array(
    select e.key from whatsapp.events as e where e.contact_id = any (v_contact_ids) or e.user_id = p_user_id
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
  delete from whatsapp.events where user_id = p_user_id;
  delete from whatsapp.events where contact_id is null and names && v_names;
  delete from whatsapp.deliveries where state = 'split' and names && v_names;
  update whatsapp.moves set
    to_digits = case when to_digits = any (v_names) then null else to_digits end,
    to_bsuid = case when to_bsuid = any (v_names) then null else to_bsuid end
  where to_digits = any (v_names) or to_bsuid = any (v_names);
  delete from whatsapp.contacts where id = any (v_contact_ids);
end
$$;
comment on function ava_private.delete_whatsapp_of(uuid) is
  'Deletes what the gateway has of this account. All locks are taken before anything changes.';
revoke all on function ava_private.delete_whatsapp_of(uuid) from public, anon, authenticated, service_role;

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
  end loop;
  return old;
end
$$;
