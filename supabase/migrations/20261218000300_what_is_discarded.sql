-- Retention asks for the oldest of them in every round, and found it by reading what is done (docs/decisions/0170).
-- Few rows match, so that writers wait for one pass over the table.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index events_discarded on whatsapp.events (changed_at) where state = 'discarded';
