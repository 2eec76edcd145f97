-- Edits and deletions are found by the message that they name, and first in their lane. Nothing has the column yet.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index events_corrects on whatsapp.events (corrects) where corrects is not null;
create index events_corrections on whatsapp.events (contact_id, sent_at, id)
  where state = 'ready' and corrects is not null;
