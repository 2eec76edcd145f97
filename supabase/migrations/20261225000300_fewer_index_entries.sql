-- Indexes without entries that no question needs (docs/decisions/0178): of a delivery, when it came, which its id tells;
-- of an event that is not over, when that was.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- Writers wait for one pass over the table, and readers for its end alone.
set lock_timeout = '5s';
set statement_timeout = '60s';

create index events_over on whatsapp.events (changed_at) where state in ('done', 'ignored');
