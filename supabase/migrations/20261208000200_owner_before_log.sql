-- Whose a message is stands on its event before a log may have it, and a call goes to the number or id that its contact
-- has at that moment (docs/decisions/0122). Additions only: release 0.1.0 calls none of this.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.note_owner(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_user_id uuid, p_lease interval
) returns text
language plpgsql set search_path = '' as $$
begin
  if not whatsapp.hold(p_contact_id, p_fence, p_lease) then
    return 'lost';
  end if;
  -- A second statement: a change that is being made holds this lane's lock until it is done, and is seen then.
  if not exists (select from whatsapp.contacts where id = p_contact_id and user_id = p_user_id) then
    return 'changed';
  end if;
  update whatsapp.events set user_id = p_user_id where id = p_event_id;
  return 'noted';
end
$$;
comment on function whatsapp.note_owner(bigint, uuid, bigint, uuid, interval) is
  'Notes whose an event is, before their log may have it: from then on it is theirs, whatever becomes of the link.
lost: the lane is another worker''s. changed: the contact is not theirs any more, nothing is noted. noted: noted.';

create function whatsapp.begin_send_3(
  p_contact_id bigint, p_fence uuid, p_send_id uuid, p_phone_number_id text, p_lease interval, p_pair_gap interval,
  p_pair_burst integer, p_probe interval, p_unreachable_probe interval
) returns table (verdict text, pause double precision, attempt integer, wa_digits text, bsuid text)
language plpgsql set search_path = '' as $$
declare
  v_begun record;
begin
  select * into v_begun from whatsapp.begin_send_2(
    p_contact_id => p_contact_id, p_fence => p_fence, p_send_id => p_send_id, p_phone_number_id => p_phone_number_id,
    p_lease => p_lease, p_pair_gap => p_pair_gap, p_pair_burst => p_pair_burst, p_probe => p_probe,
    p_unreachable_probe => p_unreachable_probe);
  -- The lane is locked, so nobody gives the contact another number until this is committed.
  return query
    select v_begun.verdict, v_begun.pause, v_begun.attempt, c.wa_digits, c.bsuid
    from (values (p_contact_id)) as asked (id) left join whatsapp.contacts as c on c.id = asked.id;
end
$$;
comment on function whatsapp.begin_send_3(
  bigint, uuid, uuid, text, interval, interval, integer, interval, interval) is
  'The last word before a call, as begin_send_2, with the number and the id that the contact has now: those of a moment
ago may be another person''s.';

revoke all on function whatsapp.note_owner(bigint, uuid, bigint, uuid, interval)
  from public, anon, authenticated, service_role;
revoke all on function whatsapp.begin_send_3(bigint, uuid, uuid, text, interval, interval, integer, interval, interval)
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.note_owner(bigint, uuid, bigint, uuid, interval) to ava_whatsapp_gateway;
grant execute on function
  whatsapp.begin_send_3(bigint, uuid, uuid, text, interval, interval, integer, interval, interval)
  to ava_whatsapp_gateway;
