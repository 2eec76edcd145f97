-- Indexes of sends that no status touches (docs/decisions/0160): with changed_at or status in one of them, each status
-- wrote to all five. Few rows match, so that writers wait for one pass over the table.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
set lock_timeout = '5s';
set statement_timeout = '60s';

create index outbox_failed_after_acceptance on whatsapp.outbox (id) where undelivered and alerted_at is null;
create index outbox_without_outcome on whatsapp.outbox (state) where state in ('sending', 'unknown', 'unresolved');
drop index whatsapp.outbox_undelivered;
drop index whatsapp.outbox_open;
