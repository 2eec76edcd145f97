-- What a worker says about its lane in fewer statements (docs/decisions/0159): the end of an event gives the lane back,
-- an answer is stored and begun at once, an accepted call tells what the send is now. A lease is extended only once a
-- quarter of it is over. Additions only: release 0.1.0 calls none of this.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.hold_2(p_contact_id bigint, p_fence uuid, p_lease interval) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_due_at timestamptz;
begin
  select l.due_at into v_due_at from whatsapp.lanes as l
  where l.contact_id = p_contact_id and l.token = p_fence for update;
  if not found then
    return false;
  end if;
  -- Each extension is written to two indexes.
  if v_due_at < pg_catalog.clock_timestamp() + p_lease * 0.75 then
    update whatsapp.lanes set due_at = pg_catalog.clock_timestamp() + p_lease where contact_id = p_contact_id;
  end if;
  return true;
end
$$;
comment on function whatsapp.hold_2(bigint, uuid, interval) is
  'Locks the lane until the end of the transaction; afterwards three quarters of the lease are left, or more. False when
another worker has the lane by now.';

create function whatsapp.note_owner_2(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_user_id uuid, p_lease interval
) returns text
language plpgsql set search_path = '' as $$
begin
  if not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease) then
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
comment on function whatsapp.note_owner_2(bigint, uuid, bigint, uuid, interval) is
  'As note_owner; the lease is extended only where that is due.';

create function whatsapp.begin_answer(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_user_id uuid, p_avatar_id uuid, p_claimed_at timestamptz,
  p_send_id uuid, p_body text, p_phone_number_id text, p_lease interval, p_pair_gap interval, p_pair_burst integer,
  p_probe interval, p_unreachable_probe interval
) returns table (verdict text, pause double precision, attempt integer, wa_digits text, bsuid text)
language plpgsql set search_path = '' as $$
begin
  if not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease) then
    return query select 'lost', 0.0::double precision, 0, null::text, null::text;
    return;
  end if;
  update whatsapp.events as e set
    user_id = p_user_id, avatar_id = p_avatar_id, claimed_at = coalesce(e.claimed_at, p_claimed_at),
    logged_at = coalesce(e.logged_at, pg_catalog.clock_timestamp())
  where e.id = p_event_id;
  insert into whatsapp.outbox (id, event_id, contact_id, part, body)
  values (p_send_id, p_event_id, p_contact_id, 0, p_body) on conflict do nothing;
  return query select begun.* from whatsapp.begin_send_3(
    p_contact_id => p_contact_id, p_fence => p_fence, p_send_id => p_send_id, p_phone_number_id => p_phone_number_id,
    p_lease => p_lease, p_pair_gap => p_pair_gap, p_pair_burst => p_pair_burst, p_probe => p_probe,
    p_unreachable_probe => p_unreachable_probe) as begun;
end
$$;
comment on function whatsapp.begin_answer(
  bigint, uuid, bigint, uuid, uuid, timestamptz, uuid, text, text, interval, interval, integer, interval, interval) is
  'Notes that the turn is logged, stores its answer of one part and begins the call, all or nothing: as begin_send_3. With
pair or number the answer is stored, and begun later.';

create function whatsapp.accepted_3(p_send_id uuid, p_wamid text, p_alias_digits text, p_phone_number_id text)
returns table (closed boolean, state text, wamid text, accepted_at timestamptz, changed_at timestamptz)
language plpgsql set search_path = '' as $$
declare
  v_closed constant boolean := whatsapp.accepted_2(
    p_send_id => p_send_id, p_wamid => p_wamid, p_alias_digits => p_alias_digits,
    p_phone_number_id => p_phone_number_id);
begin
  return query
    select v_closed, o.state, o.wamid, o.accepted_at, o.changed_at
    from (values (p_send_id)) as told (id) left join whatsapp.outbox as o on o.id = told.id;
end
$$;
comment on function whatsapp.accepted_3(uuid, text, text, text) is
  'As accepted_2; `closed` is true when this closed the number''s circuit, the rest is what the send is now: null when it
was deleted together with its account.';

create function whatsapp.finish_3(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_state text, p_reason text, p_lease interval,
  p_link_version bigint, p_is_last boolean
) returns text
language plpgsql set search_path = '' as $$
declare
  v_unchanged boolean;
begin
  if not whatsapp.hold_2(p_contact_id => p_contact_id, p_fence => p_fence, p_lease => p_lease) then
    return 'lost';
  end if;
  if p_state = 'awaiting' then
    -- Locked, so that a status that settles the send waits until it can see that the event waits for it.
    perform from whatsapp.outbox
    where event_id = p_event_id and kind = 'answer' and state in ('sending', 'unknown') for update;
    if not found then
      return 'again';
    end if;
  end if;
  -- A change that is being made holds this lane's lock until it is done, so none can come in between.
  select link_version = p_link_version into v_unchanged from whatsapp.contacts where id = p_contact_id;
  if p_state = 'held' and not v_unchanged then
    return 'again'; -- nothing would wake it again
  end if;
  update whatsapp.events set state = p_state, reason = p_reason, changed_at = pg_catalog.clock_timestamp()
  where id = p_event_id and state = 'ready';
  if p_state <> 'held' then
    update whatsapp.outbox set state = 'discarded', notice_day = null, changed_at = pg_catalog.clock_timestamp()
    where event_id = p_event_id and kind = 'notice' and state = 'ready';
  end if;
  if not v_unchanged then
    return 'changed';
  end if;
  if not p_is_last then
    return 'done';
  end if;
  -- A second statement, so that it sees what was committed while the first one waited.
  if exists (select from whatsapp.events where contact_id = p_contact_id and state = 'ready') then
    update whatsapp.lanes set token = null, due_at = pg_catalog.clock_timestamp(), waits_for = '', tries = 0
    where contact_id = p_contact_id;
    return 'due';
  end if;
  delete from whatsapp.lanes where contact_id = p_contact_id;
  return 'empty';
end
$$;
comment on function whatsapp.finish_3(bigint, uuid, bigint, text, text, interval, bigint, boolean) is
  'As finish_2; with the last event that was claimed the lane is given back as by release. due: given back, and more is
ready. empty: given back, nothing is.';

revoke all on function whatsapp.hold_2(bigint, uuid, interval) from public, anon, authenticated, service_role;
revoke all on function whatsapp.note_owner_2(bigint, uuid, bigint, uuid, interval)
  from public, anon, authenticated, service_role;
revoke all on function whatsapp.begin_answer(
  bigint, uuid, bigint, uuid, uuid, timestamptz, uuid, text, text, interval, interval, integer, interval, interval)
  from public, anon, authenticated, service_role;
revoke all on function whatsapp.accepted_3(uuid, text, text, text) from public, anon, authenticated, service_role;
revoke all on function whatsapp.finish_3(bigint, uuid, bigint, text, text, interval, bigint, boolean)
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.hold_2(bigint, uuid, interval) to ava_whatsapp_gateway;
grant execute on function whatsapp.note_owner_2(bigint, uuid, bigint, uuid, interval) to ava_whatsapp_gateway;
grant execute on function whatsapp.begin_answer(
  bigint, uuid, bigint, uuid, uuid, timestamptz, uuid, text, text, interval, interval, integer, interval, interval)
  to ava_whatsapp_gateway;
grant execute on function whatsapp.accepted_3(uuid, text, text, text) to ava_whatsapp_gateway;
grant execute on function whatsapp.finish_3(bigint, uuid, bigint, text, text, interval, bigint, boolean)
  to ava_whatsapp_gateway;
