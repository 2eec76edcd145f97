-- The index of what waits longest, which no claim can take for its own (docs/decisions/0177).
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index events_waiting_longest on whatsapp.events (received_at) where starts_with(state, 'ready');
comment on index whatsapp.events_waiting_longest is
  'For the age of what waits longest. Its condition is not written as a claim writes it, because with statistics from
an empty queue the planner took the whole queue to be as short as one lane of it.';
