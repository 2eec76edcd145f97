-- Sends that failed after acceptance are asked for every few seconds. Few rows match, so that writers wait for one pass.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index outbox_undelivered on whatsapp.outbox (id) where status = 'failed' and alerted_at is null;
