-- One lock order for links by number and links by id, and what a move or an account's deletion does to a link by id
-- (docs/decisions/0102). Release 0.1.0 calls users_for_phones with numbers only, and gets the same answers.
set lock_timeout = '5s';
set statement_timeout = '60s';

comment on schema whatsapp is
  'The gateway''s own: an inbox, one queue per contact, an outbox.
Lock order: rows of public.user_preferences by user_id, ingest (advisory), links (advisory, between_links, for numbers
and ids), lanes by contact_id, contacts, profile.hidden_number_links, events, outbox by id. Facts about a call (accepted,
not_sent) are written whatever is locked; their callers repeat them after a deadlock.';

create function ava_private.lock_linked_contacts(
  p_user_ids uuid[], p_digits text[], p_bsuids text[], p_at_once boolean
) returns bigint[]
language plpgsql set search_path = '' as $$
declare
  v_digits constant text[] := array_remove(p_digits, null);
  v_endings constant text[] := array(select right(n, 8) from pg_catalog.unnest(v_digits) as n);
  v_locked bigint[] := '{}';
  v_bsuids text[];
  v_touched bigint[];
begin
  v_bsuids := p_bsuids || array(select l.bsuid from profile.hidden_number_links as l where l.user_id = any (p_user_ids));
  perform whatsapp.between_links(p_numbers => v_digits || v_bsuids);
  loop
    v_bsuids := p_bsuids
      || array(select l.bsuid from profile.hidden_number_links as l where l.user_id = any (p_user_ids));
    v_touched := array(
      select c.id from whatsapp.contacts as c
      where c.user_id = any (p_user_ids) or c.bsuid = any (v_bsuids) or c.alias_digits = any (v_digits)
        or right(c.wa_digits, 8) = any (v_endings));
    exit when v_touched <@ v_locked;
    -- Asked again afterwards: a number may have got a new contact while this waited for the old one's lane.
    perform whatsapp.wake(p_contact_ids => v_touched, p_at_once => p_at_once);
    v_locked := v_locked || v_touched;
  end loop;
  return v_touched;
end
$$;
comment on function ava_private.lock_linked_contacts(uuid[], text[], text[], boolean) is
  'Locks at once whatever a change of these links will touch: the contacts of the users, of their links by id, and of the
numbers, whose last eight digits find every national spelling. Called before any of it changes, so that nobody waits in a
circle. Returns the contacts.';
revoke all on function ava_private.lock_linked_contacts(uuid[], text[], text[], boolean)
  from public, anon, authenticated, service_role;

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
  v_proven uuid;
  v_phone text;
  v_former text;
begin
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

create or replace function ava_private.whatsapp_link_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_user_id constant uuid := coalesce(new.user_id, old.user_id);
  v_before constant text := pg_catalog.ltrim(old.whatsapp_phone, '+');
  v_after constant text := case when tg_op <> 'DELETE' then pg_catalog.ltrim(new.whatsapp_phone, '+') end;
  v_numbers constant text[] := array_remove(array[v_before, v_after], null);
  v_touched bigint[];
  v_of_number bigint[];
begin
  if v_numbers = '{}' and not exists (select from profile.hidden_number_links where user_id = v_user_id) then
    return null;
  end if;
  -- A deadlock picks its victim by chance. Every other failure, and the last deadlock, fails the change.
  for v_attempt in 1..3 loop
    begin
      v_touched := ava_private.lock_linked_contacts(
        p_user_ids => array[v_user_id], p_digits => v_numbers, p_bsuids => '{}', p_at_once => true);
      v_of_number := array(
        select c.id from whatsapp.contacts as c
        where c.id = any (v_touched)
          and v_after = any (whatsapp.number_spellings(c.wa_digits) || whatsapp.number_spellings(c.alias_digits)));
      -- Words from before the link, held or waiting for another reason: the gateway decides what still counts.
      update whatsapp.events as e set released_at = pg_catalog.clock_timestamp()
      from whatsapp.contacts as c
      where c.id = any (v_of_number) and c.user_id is null and e.contact_id = c.id
        and e.state in ('ready', 'held') and e.logged_at is null;
      update whatsapp.contacts as c set
        user_id = kept.user_id,
        linked_digits = case when kept.user_id is not null then c.linked_digits end,
        link_version = c.link_version + 1,
        relinked_by = case
          when c.id <> all (v_of_number) then c.relinked_by
          -- The exact number counts for more than another spelling of it.
          when v_after is distinct from c.wa_digits and exists (
            select from public.user_preferences as p
            where p.user_id = c.relinked_by and p.whatsapp_phone = '+' || c.wa_digits) then c.relinked_by
          else v_user_id end
      from (
        select k.id, case
          -- Linked again, or another's number: the person's other contacts stay theirs.
          when k.user_id = v_user_id and v_before is not distinct from v_after then k.user_id
          when k.user_id <> v_user_id and k.id <> all (v_of_number) then k.user_id end as user_id
        from whatsapp.contacts as k where k.id = any (v_touched)
      ) as kept
      where c.id = kept.id;
      -- An unlinking may leave one owner where there were two; a recycled number waits for a link.
      update whatsapp.events set state = 'ready', reason = null, changed_at = pg_catalog.clock_timestamp()
      where state = 'held' and contact_id in (
        select c.id from whatsapp.contacts as c
        where c.id = any (v_touched) and (v_after is not null or not c.recycled));
      return null;
    exception when deadlock_detected then
      if v_attempt = 3 then
        raise;
      end if;
    end;
  end loop;
  return null;
end
$$;
comment on function ava_private.whatsapp_link_changed() is
  'A changed link: contacts of the number, and of the user when it is another number than before, are looked up anew, and
what was held is handled. The last eight digits find every national spelling; only contacts of that very number are taken
from another user or stamped. A failure here fails the change: a pin must not outlive its link.';

create or replace function ava_private.hidden_number_link_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_linked constant boolean := tg_op = 'INSERT';
  v_bsuid constant text := case when v_linked then new.bsuid else old.bsuid end;
  v_touched constant bigint[] := array(select c.id from whatsapp.contacts as c where c.bsuid = v_bsuid);
begin
  perform whatsapp.wake(p_contact_ids => v_touched, p_at_once => v_linked);
  update whatsapp.contacts as c set
    user_id = null,
    linked_digits = null,
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
  'As whatsapp_link_changed, for a link by id: the contact is looked up anew, and what it held is handled. Who changes
such a link has locked the contact''s lane before. A failure here fails the linking.';

create or replace function ava_private.bsuid_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update profile.hidden_number_links as l set bsuid = new.bsuid
  where (l.bsuid = old.bsuid or l.bsuid in (select m.from_bsuid from whatsapp.moves as m where m.contact_id = new.id))
    and (new.user_id is null or l.user_id = new.user_id)
    and not exists (select from whatsapp.contacts as c where c.bsuid = l.bsuid)
    and not exists (select from profile.hidden_number_links as other where other.bsuid = new.bsuid);
  return null;
end
$$;
comment on function ava_private.bsuid_changed() is
  'A contact has a new id: a link by an id that it had before goes along.';
drop trigger bsuid_changed on whatsapp.contacts;
create trigger bsuid_changed after update of bsuid on whatsapp.contacts
  for each row when (old.bsuid is distinct from new.bsuid and new.bsuid is not null)
  execute function ava_private.bsuid_changed();

create or replace function ava_private.whatsapp_farewell() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_phone text;
  v_bsuid text;
  v_contact_ids bigint[];
  v_send_ids uuid[];
  v_names text[];
begin
  -- No link of this account changes meanwhile, and no delivery is ingested; the order is on the schema's comment.
  select pg_catalog.ltrim(p.whatsapp_phone, '+') into v_phone
  from public.user_preferences as p where p.user_id = old.id for update;
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0));
  v_bsuid := (select l.bsuid from profile.hidden_number_links as l where l.user_id = old.id);
  perform whatsapp.between_links(array[v_phone, v_bsuid]);
  v_contact_ids := array(
    select c.id from whatsapp.contacts as c
    where c.user_id = old.id or (c.bsuid = v_bsuid and c.user_id is null)
    union
    -- Not looked up yet. A contact with these very digits, or one that is linked in no other spelling.
    select c.id from whatsapp.contacts as c
    where right(c.wa_digits, 8) = right(v_phone, 8) and v_phone = any (whatsapp.number_spellings(c.wa_digits))
      and c.user_id is null and (c.relinked_by = old.id or (c.relinked_by is null and not c.recycled))
      and (c.wa_digits = v_phone or not exists (
        select from public.user_preferences as p where p.whatsapp_phone = '+' || c.wa_digits))
    union
    -- No longer linked. A stamp counts only as long as its link is one of this number.
    select c.id from whatsapp.events as e join whatsapp.contacts as c on c.id = e.contact_id
    where e.user_id = old.id and c.user_id is null
      and not exists (
        select from public.user_preferences as p
        where p.user_id = c.relinked_by and p.user_id <> old.id
          and pg_catalog.ltrim(p.whatsapp_phone, '+') = any (
            whatsapp.number_spellings(c.wa_digits) || whatsapp.number_spellings(c.alias_digits)))
      and not exists (
        select from whatsapp.events as others where others.contact_id = c.id and others.user_id <> old.id)
    union
    -- What is left of a contact that was found out to be the same person.
    select c.id from whatsapp.contacts as c
    join whatsapp.moves as m on m.contact_id = c.id and m.reason = 'united'
    join whatsapp.contacts as k on k.wa_digits = m.to_digits or k.bsuid = m.to_bsuid
    where k.user_id = old.id and c.user_id is null and c.wa_digits is null and c.bsuid is null
  );
  perform whatsapp.wake(
    v_contact_ids || array(select e.contact_id from whatsapp.events as e where e.user_id = old.id), false);
  v_send_ids := array(
    select o.id from whatsapp.outbox as o join whatsapp.events as e on e.id = o.event_id
    where o.contact_id = any (v_contact_ids) or e.user_id = old.id);
  v_names := array_remove(array(
    select e.key from whatsapp.events as e where e.contact_id = any (v_contact_ids) or e.user_id = old.id
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
  delete from whatsapp.statuses where outbox_id = any (v_send_ids) or wamid = any (v_names);
  delete from whatsapp.events where user_id = old.id;
  delete from whatsapp.events where contact_id is null and names && v_names;
  delete from whatsapp.deliveries where state = 'split' and names && v_names;
  update whatsapp.moves set
    to_digits = case when to_digits = any (v_names) then null else to_digits end,
    to_bsuid = case when to_bsuid = any (v_names) then null else to_bsuid end
  where to_digits = any (v_names) or to_bsuid = any (v_names);
  delete from whatsapp.contacts where id = any (v_contact_ids);
  return old;
end
$$;
