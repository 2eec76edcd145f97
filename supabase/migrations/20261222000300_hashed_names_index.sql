-- No row has hashes yet, so that writers wait for one pass over the table (docs/decisions/0175).
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index deliveries_by_name_hash on whatsapp.deliveries using gin (name_hashes) where name_hashes is not null;
