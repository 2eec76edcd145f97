-- How often in a row the Graph API did not answer (docs/decisions/0107). A file of its own, because workers lock this
-- table before the outbox and after it.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.numbers add column unanswered integer not null default 0;
comment on column whatsapp.numbers.unanswered is
  'How many calls in a row the Graph API did not answer: no connection, no response in time, no document of its own.';
