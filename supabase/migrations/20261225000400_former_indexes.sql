-- What the indexes of the steps before are instead of; the unique one goes on refusing what the constraint did.
-- squawk-ignore-file ban-drop-constraint
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.outbox drop constraint outbox_wamid_key;
