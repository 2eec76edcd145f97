-- When an event was claimed is noted as it ends (docs/decisions/0175): noted with `logged_at`, as the call begins, it made
-- all of the row between the two be written ahead once more, and the end writes that anyway.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.finish_4(
  p_contact_id bigint, p_fence uuid, p_event_id bigint, p_state text, p_reason text, p_lease interval,
  p_link_version bigint, p_is_last boolean, p_claimed_at timestamptz
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
  update whatsapp.events set
    state = p_state, reason = p_reason, changed_at = pg_catalog.clock_timestamp(),
    claimed_at = coalesce(claimed_at, case when logged_at >= p_claimed_at then p_claimed_at end)
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
comment on function whatsapp.finish_4(bigint, uuid, bigint, text, text, interval, bigint, boolean, timestamptz) is
  'As finish_3; it notes when the worker had claimed the event that it has logged.';
revoke all on function whatsapp.finish_4(bigint, uuid, bigint, text, text, interval, bigint, boolean, timestamptz)
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.finish_4(bigint, uuid, bigint, text, text, interval, bigint, boolean, timestamptz)
  to ava_whatsapp_gateway;
comment on column whatsapp.events.claimed_at is
  'When the worker that logged the turn had claimed its lane; noted as the event ends.';
