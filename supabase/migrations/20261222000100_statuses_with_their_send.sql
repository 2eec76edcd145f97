-- What Meta tells of an accepted send is kept in the send's own row (docs/decisions/0174): a row for each status, with
-- three entries of indexes, was an eighth of all that a message writes ahead. Services of before go on writing rows.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.outbox
  add column told_sent_at timestamptz,
  add column told_delivered_at timestamptz,
  add column told_read_at timestamptz,
  add column told_played_at timestamptz;
comment on column whatsapp.outbox.told_sent_at is
  'When Meta''s status `sent` came; null when it did not, or came before the acceptance: then it is in whatsapp.statuses.';
comment on column whatsapp.outbox.told_delivered_at is 'As told_sent_at, for `delivered`.';
comment on column whatsapp.outbox.told_read_at is 'As told_sent_at, for `read`.';
comment on column whatsapp.outbox.told_played_at is 'As told_sent_at, for `played`.';
comment on table whatsapp.statuses is
  'Those that failed, or came before the answer to the call they are about; all others are in whatsapp.outbox.';

create function whatsapp.keep_statuses_2(
  p_wamids text[], p_statuses text[], p_ranks integer[], p_outbox_ids uuid[], p_ats timestamptz[], p_codes integer[],
  p_errors text[]
) returns integer
language plpgsql set search_path = '' set lock_timeout = '100ms' as $$
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_accepted text[];
begin
  -- Ingest has lanes locked, and waits for no send that another process has locked: settle merges its statuses.
  begin
    with best as (
      select distinct on (told.wamid)
        told.wamid, told.status, told.rank, told.at, told.code, told.error,
        pg_catalog.array_agg(told.status) over (partition by told.wamid) as statuses
      from unnest(p_wamids, p_statuses, p_ranks, p_ats, p_codes, p_errors) as told (wamid, status, rank, at, code, error)
      order by told.wamid, told.rank desc, told.at
    ), merged as (
      update whatsapp.outbox as o set
        status = case when best.rank > o.status_rank then best.status else o.status end,
        status_at = case when best.rank > o.status_rank then best.at else o.status_at end,
        code = case when best.rank > o.status_rank then best.code else o.code end,
        error = case when best.rank > o.status_rank then best.error else o.error end,
        undelivered = case when best.rank > o.status_rank then best.status = 'failed' else o.undelivered end,
        changed_at = case when best.rank > o.status_rank then v_now else o.changed_at end,
        status_rank = greatest(o.status_rank, best.rank),
        told_sent_at = coalesce(o.told_sent_at, case when 'sent' = any (best.statuses) then v_now end),
        told_delivered_at = coalesce(o.told_delivered_at, case when 'delivered' = any (best.statuses) then v_now end),
        told_read_at = coalesce(o.told_read_at, case when 'read' = any (best.statuses) then v_now end),
        told_played_at = coalesce(o.told_played_at, case when 'played' = any (best.statuses) then v_now end)
      from best where o.wamid = best.wamid and o.state = 'accepted'
      returning o.wamid
    )
    select coalesce(pg_catalog.array_agg(merged.wamid), '{}') into v_accepted from merged;
  exception when lock_not_available then
    v_accepted := '{}';
  end;
  insert into whatsapp.statuses (wamid, status, rank, outbox_id, at, code, error, applied)
  select told.*, told.wamid = any (v_accepted)
  from unnest(p_wamids, p_statuses, p_ranks, p_outbox_ids, p_ats, p_codes, p_errors)
    as told (wamid, status, rank, outbox_id, at, code, error)
  where told.wamid <> all (v_accepted) or told.status not in ('sent', 'delivered', 'read', 'played')
  on conflict on constraint statuses_pkey do nothing;
  return (select pg_catalog.count(*) from whatsapp.statuses as s where s.wamid = any (p_wamids) and not s.applied);
end
$$;
comment on function whatsapp.keep_statuses_2(text[], text[], integer[], uuid[], timestamptz[], integer[], text[]) is
  'Merges the statuses of accepted sends into them and stores all others; how many are left for settle, which may need
lanes.';
revoke all on function whatsapp.keep_statuses_2(text[], text[], integer[], uuid[], timestamptz[], integer[], text[])
  from public, anon, authenticated, service_role;
grant execute on function whatsapp.keep_statuses_2(text[], text[], integer[], uuid[], timestamptz[], integer[], text[])
  to ava_whatsapp_gateway;
