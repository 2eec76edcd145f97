-- A code counts once, however often the message that holds it is handled (docs/decisions/0122).
-- Release 0.1.0 does not write the column, and counts at every attempt as before.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.events add column code_tried boolean not null default false;
comment on column whatsapp.events.code_tried is
  'The digits in it were compared with the codes that are waited for, or counted: a retry does not count again.';

create function whatsapp.count_code_attempt_2(
  p_contact_id bigint, p_event_id bigint, p_most integer, p_window interval
) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_counts constant integer := (select (not e.code_tried)::integer from whatsapp.events as e where e.id = p_event_id);
  v_attempts integer;
begin
  update whatsapp.contacts as c set
    code_attempts = case when c.code_attempts_until > v_now then c.code_attempts else 0 end + v_counts,
    code_attempts_until = case when c.code_attempts_until > v_now then c.code_attempts_until else v_now + p_window end
  where c.id = p_contact_id
  returning c.code_attempts into v_attempts;
  update whatsapp.events set code_tried = true where id = p_event_id and not code_tried;
  return v_attempts <= p_most;
end
$$;
comment on function whatsapp.count_code_attempt_2(bigint, bigint, integer, interval) is
  'Counts a code from a contact without a visible number, once for each message; false when it had too many in the
window.';
revoke all on function whatsapp.count_code_attempt_2(bigint, bigint, integer, interval)
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.count_code_attempt_2(bigint, bigint, integer, interval) to ava_whatsapp_gateway;

-- No release has ever called it.
-- squawk-ignore ban-drop-function
drop function whatsapp.count_code_attempt(bigint, integer, interval);
