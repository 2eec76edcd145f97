-- What outbox_notice_of_a_day and the functions of 20261230000200 are instead of (docs/decisions/0187).
-- squawk-ignore-file ban-drop-function, ban-drop-constraint
set lock_timeout = '5s';
set statement_timeout = '60s';

drop trigger no_former_wamid on whatsapp.outbox;
drop function whatsapp.no_former_wamid();
alter table whatsapp.outbox drop constraint outbox_one_notice_a_day;
