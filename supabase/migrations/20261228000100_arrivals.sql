-- A delivery is written once (docs/decisions/0186): that it waits, and what it names, stand in rows of their own, one for
-- many deliveries. Nothing that is at work is locked here.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- Without any index: few wait, and an entry would be as large as the row.
create table whatsapp.arrivals (
  delivery_ids bigint[] not null
);
comment on table whatsapp.arrivals is
  'Deliveries that wait to be ingested, those of one commit in a row. Beside them, deliveries with the state new wait.';
comment on column whatsapp.arrivals.delivery_ids is 'Ids of whatsapp.deliveries, rising.';

create table whatsapp.delivery_names (
  id bigint generated always as identity primary key,
  delivery_ids bigint[] not null,
  name_hashes bigint[] not null check (cardinality(name_hashes) = cardinality(delivery_ids)),
  ingested_at timestamptz not null default statement_timestamp()
);
comment on table whatsapp.delivery_names is
  'What deliveries name that were ingested together: the delivery and the hash at the same place belong together.';
comment on column whatsapp.delivery_names.delivery_ids is 'The delivery of each hash; some may be deleted by now.';
comment on column whatsapp.delivery_names.name_hashes is
  'whatsapp.name_hashes of the message ids, numbers and business-scoped ids in each, without our own.';
comment on column whatsapp.delivery_names.ingested_at is 'When the transaction that ingested them wrote this.';
create index delivery_names_by_hash on whatsapp.delivery_names using gin (name_hashes);

alter table whatsapp.arrivals enable row level security;
alter table whatsapp.arrivals force row level security;
alter table whatsapp.delivery_names enable row level security;
alter table whatsapp.delivery_names force row level security;
revoke all on whatsapp.arrivals, whatsapp.delivery_names from public, anon, authenticated, service_role;
grant select, insert, update, delete on whatsapp.arrivals, whatsapp.delivery_names to ava_whatsapp_gateway;
create policy "The gateway keeps its own books" on whatsapp.arrivals
  to ava_whatsapp_gateway using (true) with check (true);
create policy "The gateway keeps its own books" on whatsapp.delivery_names
  to ava_whatsapp_gateway using (true) with check (true);

create function whatsapp.next_deliveries(p_limit integer)
returns table (id bigint, body bytea, trace text, received_at timestamptz, arrival tid)
language plpgsql set search_path = '' as $$
begin
  if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0)) then
    return next;
    return;
  end if;
  -- What is lost of it in a crash of the database is ingested again.
  perform pg_catalog.set_config('synchronous_commit', 'off', true);
  return query
    with waiting as materialized (
      select pg_catalog.unnest(a.delivery_ids) as delivery_id, a.place
      from (select r.delivery_ids, r.ctid as place from whatsapp.arrivals as r order by r.delivery_ids[1] limit p_limit) as a
      union all
      select n.id, null from (select w.id from whatsapp.deliveries as w where w.state = 'new' order by w.id limit p_limit) as n
      order by 1 limit p_limit)
    select d.id, d.body, d.trace, d.received_at, (select max(w.place) from waiting as w where w.delivery_id = d.id)
    from whatsapp.deliveries as d where d.id = any (array(select w.delivery_id from waiting as w))
    order by d.id;
end
$$;
comment on function whatsapp.next_deliveries(integer) is
  'Locks ingest and reads the deliveries that have waited longest, with the rows of arrivals that they are in, if any.
  One row of nulls while another process ingests.';
revoke all on function whatsapp.next_deliveries(integer) from public, anon, authenticated, service_role;
grant execute on function whatsapp.next_deliveries(integer) to ava_whatsapp_gateway;

create function whatsapp.deliveries_naming(p_names text[]) returns setof bigint
language sql stable set search_path = '' as $$
  select named.delivery_id
  from whatsapp.delivery_names as n,
    rows from (pg_catalog.unnest(n.delivery_ids), pg_catalog.unnest(n.name_hashes)) as named (delivery_id, name_hash)
  where n.name_hashes && (select whatsapp.name_hashes(p_names))
    and named.name_hash in (select pg_catalog.unnest(whatsapp.name_hashes(p_names)))
  union
  select d.id from whatsapp.deliveries as d where d.name_hashes && (select whatsapp.name_hashes(p_names))
  union
  select d.id from whatsapp.deliveries as d where d.names && p_names
$$;
comment on function whatsapp.deliveries_naming(text[]) is
  'The deliveries that one of these message ids, numbers or business-scoped ids stands in, once they are ingested.';
revoke all on function whatsapp.deliveries_naming(text[]) from public, anon, authenticated, service_role;
grant execute on function whatsapp.deliveries_naming(text[]) to ava_whatsapp_gateway;
