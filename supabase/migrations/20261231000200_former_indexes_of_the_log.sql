-- The log has one index in its order; page_4 finds what is of a channel itself (docs/decisions/0191).
-- squawk-ignore-file require-concurrent-index-deletion
set lock_timeout = '5s';
set statement_timeout = '60s';

drop index public.messages_newest_app;
drop index public.messages_newest_whatsapp;
