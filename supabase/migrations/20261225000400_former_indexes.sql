-- What the index of the step before is instead of, and the one of when deliveries came. Services of before ask for the
-- oldest delivery by reading all.
-- squawk-ignore-file require-concurrent-index-deletion
set lock_timeout = '5s';
set statement_timeout = '60s';

drop index whatsapp.events_changed_at;
drop index whatsapp.deliveries_received_at;
