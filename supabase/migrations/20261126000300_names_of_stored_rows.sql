-- The names of what is stored already: some 3,000 deliveries a second on a small machine that is busy. Only rows that
-- no worker touches are locked; an account that is deleted meanwhile waits, and ingest waits for that.
set lock_timeout = '5s';
set statement_timeout = '30min';

update whatsapp.deliveries set names = whatsapp.names_in(body) where state = 'split' and names is null;
update whatsapp.events set names = whatsapp.names_in(item) where contact_id is null and names is null;
