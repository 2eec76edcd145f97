-- What a person edits or deletes on the phone is an event in their lane that names the message (docs/decisions/0141).
-- Additions only: release 0.1.0 stores such events as ignored, and takes no lane in which one is ready.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.events add column corrects text;
comment on column whatsapp.events.corrects is
  'The wamid of the message that its sender edited (`words` are the new ones) or deleted; null for all other events.';

create function whatsapp.claim_2(p_limit integer, p_lease interval)
returns table (contact_id bigint, token uuid, tries integer)
language sql set search_path = '' as $$
  update whatsapp.lanes as lane
  set token = pg_catalog.gen_random_uuid(), due_at = pg_catalog.clock_timestamp() + p_lease, waits_for = ''
  from (
    select l.contact_id from whatsapp.lanes as l
    where l.due_at <= pg_catalog.clock_timestamp() order by l.due_at limit p_limit for update skip locked
  ) as due
  where lane.contact_id = due.contact_id
  returning lane.contact_id, lane.token, lane.tries
$$;
comment on function whatsapp.claim_2(integer, interval) is
  'Takes the lanes that are due, the longest due first; a lane whose lease has expired is due again.';

create or replace function whatsapp.claim(p_limit integer, p_lease interval)
returns table (contact_id bigint, token uuid, tries integer)
language sql set search_path = '' as $$
  update whatsapp.lanes as lane
  set token = pg_catalog.gen_random_uuid(), due_at = pg_catalog.clock_timestamp() + p_lease, waits_for = ''
  from (
    select l.contact_id from whatsapp.lanes as l
    where l.due_at <= pg_catalog.clock_timestamp()
      and not exists (
        select from whatsapp.events as e
        where e.contact_id = l.contact_id and e.state = 'ready' and e.corrects is not null)
    order by l.due_at limit p_limit for update skip locked
  ) as due
  where lane.contact_id = due.contact_id
  returning lane.contact_id, lane.token, lane.tries
$$;
comment on function whatsapp.claim(integer, interval) is
  'As claim_2, for gateways of release 0.1.0: without lanes in which an edit or a deletion is ready, which they would
take for messages.';

create function whatsapp.correct(p_contact_id bigint, p_fence uuid, p_event_id bigint, p_lease interval) returns text
language plpgsql set search_path = '' as $$
declare
  v_key text;
  v_last record;
  v_state text;
begin
  if not whatsapp.hold(p_contact_id, p_fence, p_lease) then
    return 'lost';
  end if;
  select e.corrects into v_key from whatsapp.events as e where e.id = p_event_id;
  select e.kind, e.words into v_last from whatsapp.events as e
  where e.corrects = v_key and e.contact_id = p_contact_id and e.state not in ('discarded', 'quarantined')
  order by e.kind = 'revoke' desc, e.sent_at desc, e.id desc limit 1;
  select e.state into v_state from whatsapp.events as e where e.key = v_key and e.contact_id = p_contact_id;
  if v_last.kind = 'revoke' then
    update whatsapp.events as e set words = '', item = ''
    where e.contact_id = p_contact_id and (e.key = v_key or e.corrects = v_key) and (e.words <> '' or e.item <> '');
    update whatsapp.events set state = 'discarded', reason = 'deleted by its sender',
      changed_at = pg_catalog.clock_timestamp()
    where key = v_key and contact_id = p_contact_id and state in ('ready', 'held') and logged_at is null;
  else
    update whatsapp.events as e set words = v_last.words
    where e.contact_id = p_contact_id and e.key = v_key and e.words is distinct from v_last.words;
  end if;
  return case when v_state = 'ready' then 'changed' else 'done' end;
end
$$;
comment on function whatsapp.correct(bigint, uuid, bigint, interval) is
  'Does to the stored message what its sender did on the phone: the words of the last edit, or none once it was deleted;
one that is not in the log yet is discarded then. lost: the lane is another worker''s. changed: the message is ready, so the
lane must be read anew. done: done.';

create function whatsapp.forget_delivered(p_contact_id bigint, p_key text) returns integer
language plpgsql set search_path = '' as $$
declare
  v_deleted integer;
begin
  if not exists (
    select from whatsapp.events where corrects = p_key and kind = 'revoke' and contact_id = p_contact_id
  ) or exists (
    select from whatsapp.events where key = p_key and contact_id is distinct from p_contact_id
  ) then
    return 0;
  end if;
  delete from whatsapp.deliveries where id in (
    select d.id from whatsapp.deliveries as d
    where d.state = 'split' and d.names && array[p_key] order by d.id for update);
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;
comment on function whatsapp.forget_delivered(bigint, text) is
  'Deletes the deliveries that name this message, when this contact has deleted it and it is not another contact''s.';

revoke all on function whatsapp.claim_2(integer, interval) from public, anon, authenticated, service_role;
revoke all on function whatsapp.correct(bigint, uuid, bigint, interval) from public, anon, authenticated, service_role;
revoke all on function whatsapp.forget_delivered(bigint, text) from public, anon, authenticated, service_role;
grant execute on function whatsapp.claim_2(integer, interval) to ava_whatsapp_gateway;
grant execute on function whatsapp.correct(bigint, uuid, bigint, interval) to ava_whatsapp_gateway;
grant execute on function whatsapp.forget_delivered(bigint, text) to ava_whatsapp_gateway;
