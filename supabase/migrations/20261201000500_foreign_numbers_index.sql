-- Readiness asks whether all messages are for another phone number id: few rows match, or none.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index events_for_another_number on whatsapp.events (received_at)
  where state = 'ignored' and reason like 'for another phone number id%';
