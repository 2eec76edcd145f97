-- Indexes without entries that no question needs (docs/decisions/0178): of an answer, that it has no wamid yet. One table
-- a file, from here to 20261225000420: ingest writes events before sends, and workers sends before events.
-- squawk-ignore-file require-concurrent-index-creation
-- Writers wait for one pass over the table, and readers not at all.
set lock_timeout = '5s';
set statement_timeout = '60s';

create unique index outbox_wamid on whatsapp.outbox (wamid) where wamid is not null;
