-- Notices of moves may come in any order: who had an id before is asked for by that id.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- squawk-ignore require-concurrent-index-creation
create index moves_from_bsuid on whatsapp.moves (from_bsuid);
