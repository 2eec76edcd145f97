-- A status of a send that is accepted is merged when it is stored (docs/decisions/0160): nothing waits for it, so that
-- no lane is needed, and its row is written once. The same functions with the same answers, and one more.
set lock_timeout = '5s';
set statement_timeout = '60s';

create or replace function whatsapp.apply_statuses(p_send_ids uuid[]) returns void
language plpgsql set search_path = '' as $$
begin
  with known as (
    select o.id as send_id, s.wamid, s.status, s.rank, s.at, s.code, s.error
    from whatsapp.outbox as o
    join whatsapp.statuses as s on s.outbox_id = o.id or s.wamid = o.wamid
    where o.id = any (p_send_ids)
  ), best as (
    select distinct on (send_id) * from known order by send_id, rank desc, at
  ), first as (
    select send_id, min(at) as at from known group by send_id
  ), turn as (
    select id from whatsapp.outbox where id = any (p_send_ids) order by id for update
  )
  update whatsapp.outbox as o set
    state = case when o.state in ('accepted', 'failed', 'discarded') and o.wamid is not null then o.state
      else 'accepted' end,
    wamid = coalesce(o.wamid, best.wamid),
    accepted_at = coalesce(o.accepted_at, first.at),
    status = case when best.rank > o.status_rank then best.status else o.status end,
    status_at = case when best.rank > o.status_rank then best.at else o.status_at end,
    code = case when best.rank > o.status_rank then best.code else o.code end,
    error = case when best.rank > o.status_rank then best.error else o.error end,
    undelivered = case when best.rank > o.status_rank then best.status = 'failed' else o.undelivered end,
    status_rank = greatest(o.status_rank, best.rank),
    changed_at = pg_catalog.clock_timestamp()
  from best join first using (send_id) join turn on turn.id = best.send_id
  where o.id = best.send_id
    and (o.state in ('ready', 'sending', 'unknown', 'unresolved') or o.wamid is null or best.rank > o.status_rank);
  update whatsapp.statuses as s set applied = true
  from whatsapp.outbox as o
  where o.id = any (p_send_ids) and (s.outbox_id = o.id or s.wamid = o.wamid) and not s.applied;
  perform whatsapp.resume(p_send_ids);
end
$$;

create function whatsapp.keep_statuses(
  p_wamids text[], p_statuses text[], p_ranks integer[], p_outbox_ids uuid[], p_ats timestamptz[], p_codes integer[],
  p_errors text[]
) returns integer
language plpgsql set search_path = '' as $$
declare
  v_accepted text[];
begin
  -- Without waiting: what another worker has locked at this moment is merged by settle.
  with free as materialized (
    select o.wamid from whatsapp.outbox as o where o.wamid = any (p_wamids) and o.state = 'accepted'
    order by o.id for update skip locked
  )
  select coalesce(pg_catalog.array_agg(free.wamid), '{}') into v_accepted from free;
  insert into whatsapp.statuses (wamid, status, rank, outbox_id, at, code, error, applied)
  select told.*, told.wamid = any (v_accepted)
  from unnest(p_wamids, p_statuses, p_ranks, p_outbox_ids, p_ats, p_codes, p_errors)
    as told (wamid, status, rank, outbox_id, at, code, error)
  on conflict on constraint statuses_pkey do nothing;
  with best as (
    select distinct on (told.wamid) told.*
    from unnest(p_wamids, p_statuses, p_ranks, p_ats, p_codes, p_errors) as told (wamid, status, rank, at, code, error)
    where told.wamid = any (v_accepted) order by told.wamid, told.rank desc, told.at
  )
  update whatsapp.outbox as o set
    status = best.status, status_at = best.at, status_rank = best.rank, code = best.code, error = best.error,
    undelivered = best.status = 'failed', changed_at = pg_catalog.clock_timestamp()
  from best where o.wamid = best.wamid and best.rank > o.status_rank;
  return (select pg_catalog.count(*) from whatsapp.statuses as s where s.wamid = any (p_wamids) and not s.applied);
end
$$;
comment on function whatsapp.keep_statuses(text[], text[], integer[], uuid[], timestamptz[], integer[], text[]) is
  'Stores statuses, each once, and merges those of accepted sends; how many are left for settle, which may need lanes.';
revoke all on function whatsapp.keep_statuses(text[], text[], integer[], uuid[], timestamptz[], integer[], text[])
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.keep_statuses(text[], text[], integer[], uuid[], timestamptz[], integer[], text[])
  to ava_whatsapp_gateway;
