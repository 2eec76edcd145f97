-- A status of an accepted send is kept in the send's own row (docs/decisions/0174): a row for each of them, with three
-- entries of indexes, was an eighth of all that a message writes ahead. Services of before keep them as rows.
set lock_timeout = '5s';
set statement_timeout = '60s';

create type whatsapp.told as (
  status text, rank integer, at timestamptz, code integer, error text, received_at timestamptz
);
comment on type whatsapp.told is 'A status that Meta told of a send, with the columns of whatsapp.statuses.';

alter table whatsapp.outbox add column told whatsapp.told[];
comment on column whatsapp.outbox.told is
  'Statuses that came once it was accepted, each once, as they came; earlier ones are in whatsapp.statuses.';

create function whatsapp.keep_statuses_2(
  p_wamids text[], p_statuses text[], p_ranks integer[], p_outbox_ids uuid[], p_ats timestamptz[], p_codes integer[],
  p_errors text[]
) returns integer
language plpgsql set search_path = '' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_accepted text[];
begin
  -- Without waiting: what another worker has locked at this moment is merged by settle.
  with free as materialized (
    select o.wamid from whatsapp.outbox as o where o.wamid = any (p_wamids) and o.state = 'accepted'
    order by o.id for update skip locked
  )
  select coalesce(pg_catalog.array_agg(free.wamid), '{}') into v_accepted from free;
  with said as (
    select one.wamid, (one.status, one.rank, one.at, one.code, one.error, v_now)::whatsapp.told as told
    from unnest(p_wamids, p_statuses, p_ranks, p_ats, p_codes, p_errors) as one (wamid, status, rank, at, code, error)
    where one.wamid = any (v_accepted)
  ), fresh as (
    select distinct on (o.id, (said.told).status) o.id, o.status_rank, said.told
    from said join whatsapp.outbox as o using (wamid)
    where ((said.told).rank > o.status_rank
        or not exists (select from unnest(o.told) as known where known.status = (said.told).status))
      and not exists (select from whatsapp.statuses as s where s.wamid = said.wamid and s.status = (said.told).status)
    order by o.id, (said.told).status, (said.told).at
  ), merged as (
    select
      fresh.id, pg_catalog.array_agg(fresh.told order by (fresh.told).rank) as told,
      (pg_catalog.array_agg(fresh.told order by (fresh.told).rank desc))[1] as best,
      pg_catalog.max((fresh.told).rank) > fresh.status_rank as is_better
    from fresh group by fresh.id, fresh.status_rank
  )
  update whatsapp.outbox as o set
    told = o.told || merged.told,
    status = case when is_better then (best).status else o.status end,
    status_at = case when is_better then (best).at else o.status_at end,
    status_rank = case when is_better then (best).rank else o.status_rank end,
    code = case when is_better then (best).code else o.code end,
    error = case when is_better then (best).error else o.error end,
    undelivered = case when is_better then (best).status = 'failed' else o.undelivered end,
    changed_at = case when is_better then v_now else o.changed_at end
  from merged where o.id = merged.id;
  if pg_catalog.cardinality(v_accepted) > 0 and p_wamids <@ v_accepted then
    return 0;
  end if;
  insert into whatsapp.statuses (wamid, status, rank, outbox_id, at, code, error)
  select one.* from unnest(p_wamids, p_statuses, p_ranks, p_outbox_ids, p_ats, p_codes, p_errors)
    as one (wamid, status, rank, outbox_id, at, code, error)
  where one.wamid <> all (v_accepted)
  on conflict on constraint statuses_pkey do nothing;
  return (select pg_catalog.count(*) from whatsapp.statuses as s where s.wamid = any (p_wamids) and not s.applied);
end
$$;
comment on function whatsapp.keep_statuses_2(text[], text[], integer[], uuid[], timestamptz[], integer[], text[]) is
  'Merges the statuses of accepted sends into them, each kept once, and stores all others; how many are left for settle,
which may need lanes.';
revoke all on function whatsapp.keep_statuses_2(text[], text[], integer[], uuid[], timestamptz[], integer[], text[])
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.keep_statuses_2(text[], text[], integer[], uuid[], timestamptz[], integer[], text[])
  to ava_whatsapp_gateway;
