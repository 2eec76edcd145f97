-- Of an event that is not over, when that was, is asked for by state (docs/decisions/0178).
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index events_over on whatsapp.events (changed_at) where state in ('done', 'ignored');
