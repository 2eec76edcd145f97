-- What events_waiting_longest and events_over are instead of (docs/decisions/0177 and 0178).
-- squawk-ignore-file require-concurrent-index-deletion
set lock_timeout = '5s';
set statement_timeout = '60s';

drop index whatsapp.events_oldest;
drop index whatsapp.events_changed_at;
