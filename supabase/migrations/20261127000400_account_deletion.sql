-- An account's deletion takes the contacts that are the person's own, whatever other numbers end alike.
set lock_timeout = '5s';
set statement_timeout = '60s';

create or replace function ava_private.whatsapp_farewell() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_phone constant text := (
    select pg_catalog.ltrim(p.whatsapp_phone, '+') from public.user_preferences as p where p.user_id = old.id);
  v_contact_ids bigint[];
  v_send_ids uuid[];
  v_names text[];
begin
  -- No delivery is ingested meanwhile; then the lock order that the comment on the schema states.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0));
  perform whatsapp.between_links(array[v_phone]);
  v_contact_ids := array(
    select c.id from whatsapp.contacts as c where c.user_id = old.id
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
