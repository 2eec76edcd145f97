-- Where deliveries are found by what they name, also those whose names were stored together (docs/decisions/0186).
set lock_timeout = '5s';
set statement_timeout = '60s';

create or replace function whatsapp.former_wamid_gone() returns trigger
language plpgsql set search_path = '' as $$
begin
  delete from whatsapp.statuses where wamid = old.wamid;
  delete from whatsapp.deliveries where state = 'split'
    and id = any (array(select whatsapp.deliveries_naming(p_names => array[old.wamid])));
  return null;
end
$$;

create or replace function whatsapp.forget_delivered(p_contact_id bigint, p_key text) returns integer
language plpgsql set search_path = '' as $$
declare
  v_deleted integer;
begin
  if not exists (
    select from whatsapp.events where corrects = p_key and kind = 'revoke' and contact_id = p_contact_id
  ) or exists (
    select from whatsapp.events where key = p_key and contact_id is distinct from p_contact_id
  ) then
    return 0;
  end if;
  delete from whatsapp.deliveries where id in (
    select d.id from whatsapp.deliveries as d
    where d.state = 'split' and d.id = any (array(select whatsapp.deliveries_naming(p_names => array[p_key])))
    order by d.id for update);
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

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
    select o.id from whatsapp.outbox as o where o.contact_id = any (v_contact_ids)
    union
    select o.id from whatsapp.events as e join whatsapp.outbox as o on o.event_id = e.id
    where e.contact_id = any (v_touched) and e.user_id = p_user_id);
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
  update whatsapp.moves set
    to_digits = case when to_digits = any (v_names) then null else to_digits end,
    to_bsuid = case when to_bsuid = any (v_names) then null else to_bsuid end
  where to_digits = any (v_names) or to_bsuid = any (v_names);
  delete from whatsapp.contacts where id = any (v_contact_ids);
end
$$;
