-- What a pin follows from, and when a link released an event: both empty for what came before.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.contacts add column linked_digits text;
comment on column whatsapp.contacts.linked_digits is
  'The linked number that the pin follows from; often another than wa_digits: a spelling, or the one before a move.';
alter table whatsapp.events add column released_at timestamptz;
comment on column whatsapp.events.released_at is
  'When a link of the sender''s number made the event ready; null when nothing but the event itself did.';
