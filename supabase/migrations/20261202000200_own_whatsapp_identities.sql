-- Who a user is on WhatsApp, for the export of everything that is kept about them (docs/decisions/0114).
-- Additions only: release 0.1.0 calls none of this.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function ava_private.own_whatsapp_identities()
returns table (
  number text, business_scoped_id text, username text, first_seen_at timestamptz,
  former_numbers text[], former_business_scoped_ids text[]
)
language sql stable security definer set search_path = '' as $$
  select '+' || c.wa_digits, c.bsuid, c.username, c.first_seen_at,
    array(select distinct '+' || m.from_digits from whatsapp.moves as m
      where m.contact_id = c.id and m.from_digits is not null and m.from_digits is distinct from c.wa_digits),
    array(select distinct m.from_bsuid from whatsapp.moves as m
      where m.contact_id = c.id and m.from_bsuid is not null and m.from_bsuid is distinct from c.bsuid)
  from whatsapp.contacts as c
  where c.user_id = auth.uid()
  order by c.first_seen_at
$$;
comment on function ava_private.own_whatsapp_identities() is
  'The contacts on WhatsApp that belong to the caller, with the numbers and ids they had before; nobody else''s.';
revoke all on function ava_private.own_whatsapp_identities() from public, anon, authenticated, service_role;
grant execute on function ava_private.own_whatsapp_identities() to ava_profile;
