-- What the indexes of the step before are instead of; the unique one goes on refusing what the constraint did. Services
-- of before ask for the oldest delivery by reading all.
-- squawk-ignore-file require-concurrent-index-deletion, ban-drop-constraint
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.outbox drop constraint outbox_wamid_key;
drop index whatsapp.events_changed_at;
drop index whatsapp.deliveries_received_at;
