-- What an operator sees: a delivery that no parser reads is told of once, and kept until an operator has looked at it.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.deliveries add column alerted_at timestamptz, add column seen_at timestamptz;
comment on column whatsapp.deliveries.alerted_at is 'When operators were alerted that it cannot be read.';
comment on column whatsapp.deliveries.seen_at is
  'When an operator last looked at it: from then on, and not before, an unreadable one may be deleted by age.';
