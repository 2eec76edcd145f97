-- How the events of a delivery are found (docs/decisions/0187): by who traces it, and by retention where they are unread.
-- Neither has an entry for each message.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index events_by_delivery on whatsapp.events using brin (delivery_id) with (pages_per_range = 16);
comment on index whatsapp.events_by_delivery is 'For a trace: the pages in which the events of a delivery may be.';
create index events_unread on whatsapp.events (delivery_id) where contact_id is null and state = 'quarantined';
comment on index whatsapp.events_unread is 'For retention: these are read again from their delivery.';
