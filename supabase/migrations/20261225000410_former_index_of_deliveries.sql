-- When a delivery came is told by its id (docs/decisions/0178). Services of before ask for the oldest by reading all.
-- squawk-ignore-file require-concurrent-index-deletion
set lock_timeout = '5s';
set statement_timeout = '60s';

drop index whatsapp.deliveries_received_at;
