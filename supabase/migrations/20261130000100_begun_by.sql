-- Under which fence a call was begun (docs/decisions/0105); what release 0.1.0 begins has none.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.outbox add column begun_by uuid;
comment on column whatsapp.outbox.begun_by is
  'The fence under which the latest call was begun: only that worker knows that it has not called after all.';
