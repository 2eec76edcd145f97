-- The senders of what is stored already: one pass over the events, which locks none of them.
set lock_timeout = '5s';
set statement_timeout = '30min';

insert into whatsapp.senders (user_id, contact_id)
select distinct e.user_id, e.contact_id from whatsapp.events as e where e.user_id is not null and e.contact_id is not null
on conflict do nothing;
