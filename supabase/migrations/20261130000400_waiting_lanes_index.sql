-- Lanes that wait for the same thing, to be woken or probed; few, unless something is away (docs/decisions/0106).
set lock_timeout = '5s';
set statement_timeout = '60s';

-- squawk-ignore require-concurrent-index-creation
create index lanes_waits_for on whatsapp.lanes (waits_for, due_at) where waits_for <> '' and token is null;
