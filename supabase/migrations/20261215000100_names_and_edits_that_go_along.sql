-- What goes with an account: the export names the contacts that the deletion takes, and an edit goes with its message
-- (docs/decisions/0157). Another name for a number is forgotten with the number. Release 0.1.0 calls none of this.
set lock_timeout = '5s';
set statement_timeout = '60s';

create or replace function ava_private.own_whatsapp_identities()
returns table (
  number text, business_scoped_id text, username text, first_seen_at timestamptz,
  former_numbers text[], former_business_scoped_ids text[]
)
language sql stable security definer set search_path = '' as $$
  with mine as (
    select auth.uid() as user_id,
      (select pg_catalog.ltrim(p.whatsapp_phone, '+') from public.user_preferences as p
        where p.user_id = auth.uid()) as phone,
      (select l.bsuid from profile.hidden_number_links as l where l.user_id = auth.uid()) as bsuid
  ),
  own as (
    select own_ids.id from mine cross join lateral pg_catalog.unnest(ava_private.contacts_of_account(
      p_user_id => mine.user_id, p_digits => mine.phone, p_bsuid => mine.bsuid)) as own_ids (id)
  )
  select '+' || c.wa_digits, c.bsuid, c.username, c.first_seen_at,
    array(select distinct '+' || m.from_digits from whatsapp.moves as m
      where m.contact_id = c.id and not shared.by_others
        and m.from_digits is not null and m.from_digits is distinct from c.wa_digits),
    array(select distinct m.from_bsuid from whatsapp.moves as m
      where m.contact_id = c.id and not shared.by_others
        and m.from_bsuid is not null and m.from_bsuid is distinct from c.bsuid)
  from own join whatsapp.contacts as c on c.id = own.id
  cross join mine
  -- The number was another user's before: what it was before that is not told.
  cross join lateral (
    select exists (select from whatsapp.events as e where e.contact_id = c.id and e.user_id <> mine.user_id)
  ) as shared (by_others)
  where c.wa_digits is not null or c.bsuid is not null
  order by c.first_seen_at
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
      select e.contact_id from whatsapp.events as e where e.user_id = p_user_id and e.contact_id is not null
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
  where said.user_id = p_user_id and e.corrects = said.key and e.contact_id = said.contact_id and e.user_id is null;
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

create or replace function whatsapp.learn_alias(p_contact_id bigint, p_alias_digits text) returns void
language plpgsql set search_path = '' as $$
begin
  begin
    perform whatsapp.wake(p_contact_ids => array[p_contact_id], p_at_once => true);
  exception when foreign_key_violation then
    return; -- it has become part of another contact, or was deleted: the next call tells the name again
  end;
  update whatsapp.contacts set alias_digits = p_alias_digits, link_version = link_version + 1 where id = p_contact_id;
  update whatsapp.events set
    state = 'ready', reason = null, released_at = pg_catalog.clock_timestamp(),
    changed_at = pg_catalog.clock_timestamp()
  where contact_id = p_contact_id and state = 'held';
end
$$;

-- Of a number that the contact has not any more.
update whatsapp.contacts set alias_digits = null where wa_digits is null and alias_digits is not null;
