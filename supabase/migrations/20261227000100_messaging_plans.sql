-- Messaging plans a statement once for each connection, as the other services do (docs/decisions/0168 and 0183): planning
-- the call of a function was a fourteenth of what PostgreSQL did for a page or a message. What depends on values has
-- plans of its own: pages with filters, also those of release 0.1.0, and the search by one of two keys. The other
-- statements of 0.1.0 find rows by key, or read the whole log of a user in the order of an index.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter function messaging.page(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) set plan_cache_mode = 'force_custom_plan' set enable_seqscan = 'on';
alter function messaging.page_3(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) set plan_cache_mode = 'force_custom_plan' set enable_seqscan = 'on';

create function messaging.find_said(p_user_id uuid, p_id uuid, p_external_id text) returns setof public.messages
language plpgsql stable security invoker set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
begin
  return query select m.* from public.messages as m
    where m.user_id = p_user_id and (m.id = p_id or m.external_id = p_external_id)
    order by (m.id = p_id) is true desc limit 1;
  perform ava_private.own_account();
end
$$;
comment on function messaging.find_said(uuid, uuid, text) is
  'The message with this id, else the one with this external id, if it is the caller''s; no_data_found when the
account was deleted. A plan that is kept could read the whole log of the user: this one is made for its values.';
revoke execute on function messaging.find_said(uuid, uuid, text) from public, anon, authenticated, service_role;
grant execute on function messaging.find_said(uuid, uuid, text) to ava_messaging;

alter role ava_messaging set plan_cache_mode = force_generic_plan;
alter role ava_messaging set enable_seqscan = off;
alter role ava_messaging set jit = off;
