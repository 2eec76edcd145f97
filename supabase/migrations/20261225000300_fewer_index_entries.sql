-- Indexes without entries that no question needs (docs/decisions/0178): of an answer, that it has no wamid yet; of a
-- delivery, when it came, which its id tells; of an event that is not over, when that was.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- Writers wait for one pass over each of the tables, and readers for its end alone.
set lock_timeout = '5s';
set statement_timeout = '60s';

create unique index outbox_wamid on whatsapp.outbox (wamid) where wamid is not null;
create index events_over on whatsapp.events (changed_at) where state in ('done', 'ignored');
