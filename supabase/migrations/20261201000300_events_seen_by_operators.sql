-- What an operator sees: an update that cannot be read is told of once, and a trace tells when an event was claimed.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.events add column alerted_at timestamptz, add column claimed_at timestamptz;
comment on column whatsapp.events.alerted_at is 'When operators were alerted that it cannot be read.';
comment on column whatsapp.events.claimed_at is 'When the worker that logged the turn had claimed its lane.';
