-- Rows of these services are found by key, however many there are: a plan is made once for each connection
-- and kept. Making it anew for every statement of every function was half of what PostgreSQL did for an echo.
-- A plan that is kept may have been made while its table was empty, so it must use an index whatever
-- the statistics say. Until PostgreSQL 17 a scan that is off all the same costs so much that it would be compiled,
-- at each call. Messaging goes on planning for the user at hand: its pages have optional filters.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter role ava_auth set plan_cache_mode = force_generic_plan;
alter role ava_auth set enable_seqscan = off;
alter role ava_auth set jit = off;
alter role ava_profile set plan_cache_mode = force_generic_plan;
alter role ava_profile set enable_seqscan = off;
alter role ava_profile set jit = off;
alter role ava_whatsapp_gateway set plan_cache_mode = force_generic_plan;
alter role ava_whatsapp_gateway set enable_seqscan = off;
alter role ava_whatsapp_gateway set jit = off;
