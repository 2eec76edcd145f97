-- A link is changed whole or not at all, and touches the contacts of exactly that number (docs/decisions/0093).
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.number_spellings(p_digits text) returns text[]
language sql immutable parallel safe set search_path = '' as $$
  select case when p_digits is null then '{}' else array[p_digits] || array(
    select pg_catalog.regexp_replace(p_digits, spelling.pattern, spelling.other)
    from (values
      ('^55(\d{2})9([6-9]\d{7})$', '55\1\2'),
      ('^55(\d{2})([6-9]\d{7})$', '55\19\2'),
      ('^521([2-9]\d{9})$', '52\1'),
      ('^52([2-9]\d{9})$', '521\1'),
      ('^229([2-9]\d{7})$', '22901\1'),
      ('^22901([2-9]\d{7})$', '229\1'),
      ('^225((0[1-3]|[457][0-3])\d{6})$', '22501\1'),
      ('^22501((0[1-3]|[457][0-3])\d{6})$', '225\1'),
      ('^225((0[4-6]|[4-9][4-6])\d{6})$', '22505\1'),
      ('^22505((0[4-6]|[4-9][4-6])\d{6})$', '225\1'),
      ('^225((0[7-9]|[4-8][7-9]|9[78])\d{6})$', '22507\1'),
      ('^22507((0[7-9]|[4-8][7-9]|9[78])\d{6})$', '225\1'),
      ('^549([1-8]\d{9})$', '54\1'),
      ('^54([1-8]\d{9})$', '549\1')
    ) as spelling (pattern, other)
    where p_digits ~ spelling.pattern) end
$$;
comment on function whatsapp.number_spellings(text) is
  'These digits and their other national spellings; the gateway''s number_variants says the same.';

create function whatsapp.pin(
  p_contact_id bigint, p_fence uuid, p_user_id uuid, p_link_version bigint, p_linked_digits text
) returns text
language plpgsql set search_path = '' as $$
begin
  perform from whatsapp.lanes where contact_id = p_contact_id and token = p_fence for update;
  if not found then
    return 'lost';
  end if;
  update whatsapp.contacts set user_id = p_user_id, recycled = false, linked_digits = p_linked_digits
  where id = p_contact_id and link_version = coalesce(p_link_version, link_version);
  if not found then
    return 'changed';
  end if;
  update whatsapp.events set state = 'ready', reason = null, changed_at = pg_catalog.clock_timestamp()
  where contact_id = p_contact_id and state = 'held';
  return case when found then 'released' else 'pinned' end;
end
$$;
comment on function whatsapp.pin(bigint, uuid, uuid, bigint, text) is
  'Notes whose contact this is, found under this link version (null: proven, whatever changed). lost: the lane is
another worker''s. changed: a link changed meanwhile, nothing is noted. released: pinned, and what the contact holds is
ready and goes first. pinned: pinned.';

create or replace function ava_private.whatsapp_link_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  v_user_id constant uuid := coalesce(new.user_id, old.user_id);
  v_before constant text := pg_catalog.ltrim(old.whatsapp_phone, '+');
  v_after constant text := case when tg_op <> 'DELETE' then pg_catalog.ltrim(new.whatsapp_phone, '+') end;
  v_numbers constant text[] := array_remove(array[v_before, v_after], null);
  v_locked bigint[];
  v_touched bigint[];
  v_of_number bigint[];
begin
  if v_numbers = '{}' then
    return null;
  end if;
  -- A deadlock picks its victim by chance. Every other failure, and the last deadlock, fails the change.
  for v_attempt in 1..3 loop
    begin
      perform whatsapp.between_links(v_numbers);
      v_locked := '{}';
      loop
        v_touched := array(
          select c.id from whatsapp.contacts as c
          where c.user_id = v_user_id or c.alias_digits = any (v_numbers)
            or right(c.wa_digits, 8) = any (array(select right(n, 8) from unnest(v_numbers) as n)));
        exit when v_touched <@ v_locked;
        -- Asked again afterwards: a number may have got a new contact while this waited for the old one's lane.
        perform whatsapp.wake(v_touched, true);
        v_locked := v_locked || v_touched;
      end loop;
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

revoke all on all functions in schema whatsapp from public, anon, authenticated, service_role;
grant execute on all functions in schema whatsapp to ava_whatsapp_gateway;
