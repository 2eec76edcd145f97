-- The indexes on the names, made while no row has any: writers wait for one pass over the table, not for a build.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';
set statement_timeout = '60s';

create index deliveries_by_name on whatsapp.deliveries using gin (names) where names is not null;
create index events_by_name on whatsapp.events using gin (names) where names is not null;
