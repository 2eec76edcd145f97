-- The export names who a user was on WhatsApp also after they unlinked: what their deletion would take along
-- (docs/decisions/0114). Additions only: release 0.1.0 calls none of this.
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
    select c.id from mine join whatsapp.contacts as c on c.user_id = mine.user_id
    union
    select c.id from mine join whatsapp.contacts as c on c.bsuid = mine.bsuid and c.user_id is null
    union
    -- Not looked up yet: as ava_private.whatsapp_farewell() finds them.
    select c.id from mine join whatsapp.contacts as c
      on right(c.wa_digits, 8) = right(mine.phone, 8) and mine.phone = any (whatsapp.number_spellings(c.wa_digits))
    where c.user_id is null and (c.relinked_by = mine.user_id or (c.relinked_by is null and not c.recycled))
      and (c.wa_digits = mine.phone or not exists (
        select from public.user_preferences as p where p.whatsapp_phone = '+' || c.wa_digits))
    union
    -- No longer linked, and nobody else's.
    select c.id from mine join whatsapp.events as e on e.user_id = mine.user_id
      join whatsapp.contacts as c on c.id = e.contact_id
    where c.user_id is null
      and not exists (
        select from public.user_preferences as p
        where p.user_id = c.relinked_by and p.user_id <> mine.user_id
          and pg_catalog.ltrim(p.whatsapp_phone, '+') = any (
            whatsapp.number_spellings(c.wa_digits) || whatsapp.number_spellings(c.alias_digits)))
      and not exists (
        select from whatsapp.events as others where others.contact_id = c.id and others.user_id <> mine.user_id)
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
  order by c.first_seen_at
$$;
comment on function ava_private.own_whatsapp_identities() is
  'The contacts on WhatsApp that are the caller''s, also once unlinked, with the numbers and ids they had before;
nobody else''s.';
