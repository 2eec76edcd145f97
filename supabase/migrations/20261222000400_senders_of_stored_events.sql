-- The senders of what is stored already: one pass over the events, which locks nothing. Contacts that went meanwhile are
-- left out; none goes while the pairs are stored. The block is one statement: on its own, the CLI refuses lock table.
set lock_timeout = '5s';
set statement_timeout = '30min';

do $$
begin
  create temporary table stored_senders on commit drop as
  select distinct e.user_id, e.contact_id from whatsapp.events as e
  where e.user_id is not null and e.contact_id is not null;

  lock table whatsapp.contacts in share mode;
  insert into whatsapp.senders (user_id, contact_id)
  select stored.user_id, stored.contact_id from stored_senders as stored
  join whatsapp.contacts as c on c.id = stored.contact_id
  on conflict do nothing;
end
$$;
