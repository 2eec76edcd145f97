-- A number that an account had left and another has linked since is not taken for the first one's, and no older words go
-- along when a number passes from one account to another (docs/decisions/0127). Release 0.1.0 does not read the column.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.moves add column relinked boolean not null default false;
comment on column whatsapp.moves.relinked is
  'from_digits was linked after it had been left: a sender who comes with it belongs to that link.';

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
      where c.id = any (v_touched) and e.contact_id = c.id and e.state in ('ready', 'held') and e.logged_at is null
        and case when c.id = any (v_of_number) then c.user_id is distinct from v_user_id
          else c.user_id = v_user_id and v_before is distinct from v_after end;
      -- It may have been left by another account: from now on it is this one's, unless the other still has it linked.
      update whatsapp.moves as m set relinked = true
      where m.from_digits = any (whatsapp.number_spellings(v_after)) and not m.relinked
        and not exists (
          select from public.user_preferences as p
          where p.user_id <> v_user_id and pg_catalog.ltrim(p.whatsapp_phone, '+') = any (
            whatsapp.number_spellings(m.from_digits)));
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

update whatsapp.moves as m set relinked = true
from whatsapp.contacts as c, public.user_preferences as p
where c.id = m.contact_id and p.whatsapp_phone = '+' || m.from_digits and p.user_id <> c.user_id;
