-- A notice that was not sent ends with its event, an alias that becomes known lets what is held be looked up again, and
-- what a pin releases has a clock (docs/decisions/0122). Functions of 0.1.0 that do more have names of their own here.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- 1. Notices ------------------------------------------------------------------------------------------------------

create function whatsapp.finish_2(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_state text, p_reason text, p_lease interval,
  p_link_version bigint
) returns text
language plpgsql set search_path = '' as $$
declare
  v_became constant text := whatsapp.finish(
    p_contact_id => p_contact_id, p_fence => p_fence, p_event_id => p_event_id, p_state => p_state,
    p_reason => p_reason, p_lease => p_lease, p_link_version => p_link_version);
begin
  if v_became in ('done', 'changed') and p_state <> 'held' then
    update whatsapp.outbox set state = 'discarded', notice_day = null, changed_at = pg_catalog.clock_timestamp()
    where event_id = p_event_id and kind = 'notice' and state = 'ready';
  end if;
  return v_became;
end
$$;
comment on function whatsapp.finish_2(bigint, uuid, bigint, text, text, interval, bigint) is
  'As finish; a notice of the event that was not sent yet is discarded with it, and the day''s next one may be sent.';

create function whatsapp.not_sent_2(
  p_send_id uuid, p_attempt integer, p_state text, p_counts boolean, p_code integer, p_error text
) returns void
language plpgsql set search_path = '' as $$
begin
  perform whatsapp.not_sent(
    p_send_id => p_send_id, p_attempt => p_attempt, p_state => p_state, p_counts => p_counts, p_code => p_code,
    p_error => p_error);
  perform whatsapp.discard_late_notice(p_send_id => p_send_id);
end
$$;
comment on function whatsapp.not_sent_2(uuid, integer, text, boolean, integer, text) is
  'As not_sent; a notice whose event needs it no more is discarded.';

create function whatsapp.discard_late_notice(p_send_id uuid) returns void
language sql set search_path = '' as $$
  update whatsapp.outbox as o set
    state = 'discarded', notice_day = null, changed_at = pg_catalog.clock_timestamp()
  from whatsapp.events as e
  where o.id = p_send_id and o.kind = 'notice' and o.state = 'ready'
    and e.id = o.event_id and e.state not in ('ready', 'held')
$$;
comment on function whatsapp.discard_late_notice(uuid) is
  'Discards a notice that is ready although its event has been finished without it.';

create or replace function whatsapp.not_called(p_contact_id bigint, p_fence uuid, p_send_id uuid, p_attempt integer)
returns boolean
language plpgsql set search_path = '' as $$
begin
  -- The worker that begins holds this lock until the commit: what was begun without a word to us is seen here.
  perform from whatsapp.lanes where contact_id = p_contact_id for update;
  update whatsapp.outbox set state = 'ready', error = 'never called', changed_at = pg_catalog.clock_timestamp()
  where id = p_send_id and attempts = p_attempt and begun_by = p_fence
    and state in ('sending', 'unknown', 'unresolved');
  if not found then
    return false;
  end if;
  perform whatsapp.resume(array[p_send_id]);
  perform whatsapp.discard_late_notice(p_send_id => p_send_id);
  return true;
end
$$;

-- What an earlier gateway left behind.
update whatsapp.outbox as o set
  state = 'discarded', notice_day = null, changed_at = pg_catalog.clock_timestamp()
from whatsapp.events as e
where o.kind = 'notice' and o.state = 'ready' and e.id = o.event_id and e.state not in ('ready', 'held');

create or replace function whatsapp.correct(p_contact_id bigint, p_fence uuid, p_event_id bigint, p_lease interval)
returns text
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
    update whatsapp.outbox as o set
      state = 'discarded', notice_day = null, changed_at = pg_catalog.clock_timestamp()
    from whatsapp.events as e
    where e.key = v_key and e.contact_id = p_contact_id and e.state = 'discarded'
      and o.event_id = e.id and o.kind = 'notice' and o.state = 'ready';
  else
    update whatsapp.events as e set words = v_last.words
    where e.contact_id = p_contact_id and e.key = v_key and e.words is distinct from v_last.words;
  end if;
  return case when v_state = 'ready' then 'changed' else 'done' end;
end
$$;

-- 2. What becomes known -------------------------------------------------------------------------------------------

create or replace function whatsapp.accepted_2(
  p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text
) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_number whatsapp.numbers;
  v_contact_id bigint;
begin
  select c.id into v_contact_id from whatsapp.outbox as o join whatsapp.contacts as c on c.id = o.contact_id
  where o.id = p_send_id and p_alias_digits is not null
    and c.alias_digits is distinct from p_alias_digits and c.wa_digits is distinct from p_alias_digits;
  if v_contact_id is not null then
    perform whatsapp.learn_alias(p_contact_id => v_contact_id, p_alias_digits => p_alias_digits);
  end if;
  update whatsapp.outbox set
    state = 'accepted', wamid = coalesce(wamid, p_wamid), code = null, error = null,
    accepted_at = coalesce(accepted_at, pg_catalog.clock_timestamp()), changed_at = pg_catalog.clock_timestamp()
  where id = p_send_id and state in ('sending', 'unknown', 'unresolved', 'ready');
  if exists (select from whatsapp.statuses where wamid = p_wamid and not applied) then
    perform whatsapp.apply_statuses(array[p_send_id]);
  else
    perform whatsapp.resume(array[p_send_id]);
  end if;
  select * into v_number from whatsapp.numbers where phone_number_id = p_phone_number_id;
  if v_number.circuit_open or v_number.unanswered > 0 or (v_number.strikes > 0 and v_number.paused_until <= v_now) then
    update whatsapp.numbers set circuit_open = false, strikes = 0, unanswered = 0, code = null, changed_at = v_now
    where phone_number_id = p_phone_number_id;
    perform whatsapp.wake_waiting('number');
  end if;
  return coalesce(v_number.circuit_open, false);
end
$$;

create function whatsapp.learn_alias(p_contact_id bigint, p_alias_digits text) returns void
language plpgsql set search_path = '' as $$
begin
  perform whatsapp.wake(p_contact_ids => array[p_contact_id], p_at_once => true);
  update whatsapp.contacts set alias_digits = p_alias_digits, link_version = link_version + 1 where id = p_contact_id;
  update whatsapp.events set
    state = 'ready', reason = null, released_at = pg_catalog.clock_timestamp(),
    changed_at = pg_catalog.clock_timestamp()
  where contact_id = p_contact_id and state = 'held';
end
$$;
comment on function whatsapp.learn_alias(bigint, text) is
  'Notes what Meta calls a number: whose it is may be known now, so it is looked up anew. What the contact holds is ready,
with a clock, because a typed number gives recent words only.';

create or replace function whatsapp.pin(
  p_contact_id bigint, p_fence uuid, p_user_id uuid, p_link_version bigint, p_linked_digits text
) returns text
language plpgsql set search_path = '' as $$
begin
  perform from whatsapp.lanes where contact_id = p_contact_id and token = p_fence for update;
  if not found then
    return 'lost';
  end if;
  update whatsapp.contacts set user_id = p_user_id, recycled = false, linked_digits = p_linked_digits
  where id = p_contact_id and link_version = coalesce(p_link_version, link_version);
  if not found then
    return 'changed';
  end if;
  -- Not the link has released it, which may be older than these words or newer: what is not recent is not given.
  update whatsapp.events set
    state = 'ready', reason = null, released_at = pg_catalog.clock_timestamp(),
    changed_at = pg_catalog.clock_timestamp()
  where contact_id = p_contact_id and state = 'held';
  return case when found then 'released' else 'pinned' end;
end
$$;

revoke all on function whatsapp.finish_2(bigint, uuid, bigint, text, text, interval, bigint)
  from public, anon, authenticated, service_role;
revoke all on function whatsapp.not_sent_2(uuid, integer, text, boolean, integer, text)
  from public, anon, authenticated, service_role;
revoke all on function whatsapp.discard_late_notice(uuid) from public, anon, authenticated, service_role;
revoke all on function whatsapp.learn_alias(bigint, text) from public, anon, authenticated, service_role;
grant execute on function whatsapp.finish_2(bigint, uuid, bigint, text, text, interval, bigint) to ava_whatsapp_gateway;
grant execute on function whatsapp.not_sent_2(uuid, integer, text, boolean, integer, text) to ava_whatsapp_gateway;
grant execute on function whatsapp.discard_late_notice(uuid) to ava_whatsapp_gateway;
grant execute on function whatsapp.learn_alias(bigint, text) to ava_whatsapp_gateway;
