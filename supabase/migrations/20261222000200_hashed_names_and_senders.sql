-- Two things that a message no longer writes ahead (docs/decisions/0175). The names in a delivery were a tenth of it:
-- deliveries are found by 64 bits of each name instead. And noting whose an event is wrote an entry to each of the eight
-- indexes of events, because of the one on user_id: a user's events are found through the contacts that they wrote from.
-- Four steps, each of them short for those at work. This one: the columns, the table, and triggers that keep it.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.deliveries add column name_hashes bigint[];
comment on column whatsapp.deliveries.name_hashes is
  'whatsapp.name_hashes of the message ids, numbers and business-scoped ids in it, without our own.';
comment on column whatsapp.deliveries.names is
  'As name_hashes, in words: written by gateways of before. Null where there are hashes.';

create function whatsapp.name_hashes(p_names text[]) returns bigint[]
language sql immutable strict parallel safe set search_path = '' as $$
  select coalesce(pg_catalog.array_agg(
    ('x' || pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(name, 'UTF8')), 'hex'), 16))
      ::bit(64)::bigint), '{}')
  from pg_catalog.unnest(p_names) as name
$$;
comment on function whatsapp.name_hashes(text[]) is
  'The first 64 bits of the SHA-256 of each name, as the gateway stores them in whatsapp.deliveries.';
revoke all on function whatsapp.name_hashes(text[]) from public, anon, authenticated, service_role;
grant execute on function whatsapp.name_hashes(text[]) to ava_whatsapp_gateway;

comment on column whatsapp.events.item is
  'The update as JSON, cut out of its delivery; empty for a text that replies to none, and for what its sender deleted.';

create table whatsapp.senders (
  user_id uuid not null,
  contact_id bigint not null references whatsapp.contacts (id) on delete cascade,
  primary key (user_id, contact_id)
);
comment on table whatsapp.senders is
  'Whose events a contact has or had; a trigger on whatsapp.events keeps it. Events of a user are found through it.';
comment on column whatsapp.senders.user_id is 'As whatsapp.events.user_id; deleted with the account.';
create index senders_contact_id on whatsapp.senders (contact_id);
alter table whatsapp.senders enable row level security;
alter table whatsapp.senders force row level security;
revoke all on whatsapp.senders from public, anon, authenticated, service_role;
grant select, insert, update, delete on whatsapp.senders to ava_whatsapp_gateway;
create policy "The gateway keeps its own books" on whatsapp.senders
  to ava_whatsapp_gateway using (true) with check (true);

create function whatsapp.note_sender() returns trigger
language plpgsql set search_path = '' as $$
begin
  insert into whatsapp.senders (user_id, contact_id) values (new.user_id, new.contact_id) on conflict do nothing;
  return null;
end
$$;
comment on function whatsapp.note_sender() is 'Keeps whatsapp.senders.';
revoke all on function whatsapp.note_sender() from public, anon, authenticated, service_role;
create trigger note_sender after insert on whatsapp.events
  for each row when (new.user_id is not null and new.contact_id is not null) execute function whatsapp.note_sender();
create trigger note_changed_sender after update of user_id, contact_id on whatsapp.events
  for each row when (
    new.user_id is not null and new.contact_id is not null
    and (new.user_id is distinct from old.user_id or new.contact_id is distinct from old.contact_id))
  execute function whatsapp.note_sender();
