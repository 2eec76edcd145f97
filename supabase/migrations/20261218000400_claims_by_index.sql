-- A claim compared each waiting lane with the clock: an index serves the time of the statement only.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.claim_4(p_limit integer, p_lease interval, p_events integer)
returns table (
  contact_id bigint, token uuid, tries integer, wa_digits text, bsuid text, alias_digits text, whose uuid,
  link_version bigint, recycled boolean, relinked_by uuid, id bigint, key text, kind text, words text, turn_id uuid,
  sent_at timestamptz, received_at timestamptz, released_at timestamptz, trace text, user_id uuid, avatar_id uuid,
  logged_at timestamptz, attempts integer, reason text, send_count integer, corrects text, edited_at timestamptz,
  code_tried boolean, claimed_at timestamptz
)
language plpgsql set search_path = '' as $$
declare
  v_contact_ids bigint[];
  v_tokens uuid[];
  v_tries integer[];
begin
  with due as (
    select l.contact_id from whatsapp.lanes as l
    where l.due_at <= pg_catalog.statement_timestamp() order by l.due_at limit p_limit for update skip locked
  ), claimed as (
    update whatsapp.lanes as lane
    set token = pg_catalog.gen_random_uuid(), due_at = pg_catalog.clock_timestamp() + p_lease, waits_for = ''
    -- An array, because a join is planned for a tenth of the lanes that are due: how many are asked for is not known.
    where lane.contact_id = any (array(select due.contact_id from due))
    returning lane.contact_id, lane.token, lane.tries
  )
  select pg_catalog.array_agg(l.contact_id), pg_catalog.array_agg(l.token), pg_catalog.array_agg(l.tries)
  into v_contact_ids, v_tokens, v_tries from claimed as l;
  if v_contact_ids is null then
    return;
  end if;
  -- A second statement, so that it sees what was committed before the lanes were locked.
  return query
    select
      l.contact_id, l.token, l.tries, c.wa_digits, c.bsuid, c.alias_digits, c.user_id,
      c.link_version, c.recycled, c.relinked_by, e.id, e.key, e.kind, e.words, e.turn_id,
      e.sent_at, e.received_at, e.released_at, e.trace,
      coalesce(e.user_id, (
        select said.user_id from whatsapp.events as said
        where said.key = e.corrects and said.contact_id = e.contact_id)),
      e.avatar_id, e.logged_at, e.attempts, e.reason,
      (select pg_catalog.count(*)::integer from whatsapp.outbox as o where o.event_id = e.id and o.kind = 'answer'),
      e.corrects,
      case when e.corrects is null then (
        select pg_catalog.max(edit.sent_at) from whatsapp.events as edit
        where edit.corrects = e.key and edit.contact_id = e.contact_id and edit.kind = 'edit'
          and edit.state not in ('discarded', 'quarantined')) end,
      e.code_tried, pg_catalog.statement_timestamp()
    from unnest(v_contact_ids, v_tokens, v_tries) as l (contact_id, token, tries)
    join whatsapp.contacts as c on c.id = l.contact_id
    left join lateral (
      (
        select * from whatsapp.events as corrections
        where corrections.contact_id = c.id and corrections.state = 'ready' and corrections.corrects is not null
        order by corrections.sent_at, corrections.id limit p_events)
      union all
      (
        select * from whatsapp.events as turns
        where turns.contact_id = c.id and turns.state = 'ready' and turns.corrects is null
        order by turns.sent_at, turns.id limit p_events)
    ) as e on true
    order by e.corrects is null, e.sent_at, e.id;
end
$$;
comment on function whatsapp.claim_4(integer, interval, integer) is
  'Claims the lanes that are due, the longest due first (one whose lease has expired is due again), each with its first
events that are ready, as they are once it is locked: corrections first, so that what is answered are the words as they
are now. A lane without any has one row whose id is null.';
revoke all on function whatsapp.claim_4(integer, interval, integer) from public, anon, authenticated, service_role;
grant execute on function whatsapp.claim_4(integer, interval, integer) to ava_whatsapp_gateway;
