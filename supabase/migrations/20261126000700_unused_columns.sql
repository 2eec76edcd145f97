-- Two columns that no release has ever read or named. Apart from the indexes, because workers lock sends before events;
-- and in this order, because an account's deletion reads moves before sends.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- squawk-ignore ban-drop-column
alter table whatsapp.moves drop column moved_at;
-- squawk-ignore ban-drop-column
alter table whatsapp.outbox drop column logged_at;
