-- Only a notice has a day (docs/decisions/0187): this index has an entry for those, and none for each answer.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create unique index outbox_notice_of_a_day on whatsapp.outbox (contact_id, notice_day) where notice_day is not null;
comment on index whatsapp.outbox_notice_of_a_day is 'At most one notice a day for a contact.';
