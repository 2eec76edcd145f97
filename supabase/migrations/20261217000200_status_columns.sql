-- What is changed often stays on its page and in its indexes (docs/decisions/0160). This file: the space for it, and a
-- column for the index of undelivered sends, which may not depend on what each status changes.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- Each delivery is changed once, when it is ingested: its second version finds space beside the first.
alter table whatsapp.deliveries set (fillfactor = 50);
alter table whatsapp.events set (fillfactor = 70);
alter table whatsapp.outbox set (fillfactor = 50);
alter table whatsapp.contacts set (fillfactor = 80);
alter table whatsapp.lanes set (fillfactor = 50);

alter table whatsapp.outbox add column undelivered boolean not null default false;
comment on column whatsapp.outbox.undelivered is
  'A status has said that it failed after acceptance; for the index only, `status` says how far it got.';
update whatsapp.outbox set undelivered = true where status = 'failed' and alerted_at is null;
