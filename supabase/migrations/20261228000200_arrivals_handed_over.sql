-- What gateways of before know is the state of a delivery (docs/decisions/0186). One that runs beside newer ones, or alone
-- after them, gets what these have left with the next delivery that it stores itself. Newer ones never change a row, so
-- that a page is filled.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.hand_over_arrivals() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select from whatsapp.arrivals) then
    -- Waited for: what is being ingested stays, and what came meanwhile goes before the delivery that is stored here.
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0));
    with waiting as (delete from whatsapp.arrivals returning delivery_ids)
    update whatsapp.deliveries as d set state = 'new'
    from waiting, pg_catalog.unnest(waiting.delivery_ids) as waiting_id where d.id = waiting_id;
  end if;
  return null;
end
$$;
comment on function whatsapp.hand_over_arrivals() is
  'Gives deliveries that wait to gateways of before, which ingest those with the state new, so that what was acknowledged
earlier is ingested earlier by them, too.';
revoke all on function whatsapp.hand_over_arrivals() from public, anon, authenticated, service_role;

create function whatsapp.hand_over_what_is_left() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (
    select from whatsapp.arrivals as a left join whatsapp.deliveries as d on d.id = a.delivery_ids[1]
    where d.id is null or d.received_at < pg_catalog.statement_timestamp() - interval '1 minute'
  ) and pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0)) then
    with oldest as (select a.ctid as place from whatsapp.arrivals as a order by a.delivery_ids[1] limit 100),
    waiting as (
      delete from whatsapp.arrivals where ctid = any (array(select place from oldest)) returning delivery_ids)
    update whatsapp.deliveries as d set state = 'new'
    from waiting, pg_catalog.unnest(waiting.delivery_ids) as waiting_id where d.id = waiting_id;
  end if;
  return null;
end
$$;
comment on function whatsapp.hand_over_what_is_left() is
  'Gives deliveries that have waited for a minute to gateways of before although nothing comes: they may be alone, and their
retention knows the state only. Each gateway updates alerted_at every few seconds, of no row mostly.';
revoke all on function whatsapp.hand_over_what_is_left() from public, anon, authenticated, service_role;

drop trigger fill_names on whatsapp.deliveries;
create trigger fill_names after update of state on whatsapp.deliveries
  for each row when (old.state <> 'split' and new.state = 'split' and new.names is null and new.name_hashes is null)
  execute function whatsapp.fill_names();
create trigger hand_over_arrivals after insert on whatsapp.deliveries
  for each row when (new.state = 'new') execute function whatsapp.hand_over_arrivals();
create trigger hand_over_what_is_left before update of alerted_at on whatsapp.deliveries
  for each statement execute function whatsapp.hand_over_what_is_left();
alter table whatsapp.deliveries reset (fillfactor);
comment on column whatsapp.deliveries.state is
  'new: waits to be ingested, again or from a gateway of before. split: ingested, unless whatsapp.arrivals has it.';
comment on column whatsapp.deliveries.name_hashes is
  'As in whatsapp.delivery_names, of what was ingested again or by a gateway of before.';
