-- What gateways of before know is the state of a delivery (docs/decisions/0186). One that runs alone after newer ones gets
-- what these left, with the next delivery that it stores itself. Newer ones never change a row, so that a page is filled.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function whatsapp.hand_over_arrivals() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (
    select from whatsapp.arrivals as a join whatsapp.deliveries as d on d.id = a.delivery_ids[1]
    where d.received_at < pg_catalog.clock_timestamp() - interval '10 seconds'
  ) and pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('whatsapp.split', 0)) then
    with late as (
      delete from whatsapp.arrivals as a using whatsapp.deliveries as first
      where first.id = a.delivery_ids[1]
        and first.received_at < pg_catalog.clock_timestamp() - interval '10 seconds'
      returning a.delivery_ids)
    update whatsapp.deliveries as d set state = 'new'
    from late, pg_catalog.unnest(late.delivery_ids) as late_id where d.id = late_id;
  end if;
  return null;
end
$$;
comment on function whatsapp.hand_over_arrivals() is
  'Gives deliveries that have waited for ten seconds to gateways of before, which ingest those with the state new.';
revoke all on function whatsapp.hand_over_arrivals() from public, anon, authenticated, service_role;

drop trigger fill_names on whatsapp.deliveries;
create trigger fill_names after update of state on whatsapp.deliveries
  for each row when (old.state <> 'split' and new.state = 'split' and new.names is null and new.name_hashes is null)
  execute function whatsapp.fill_names();
create trigger hand_over_arrivals after insert on whatsapp.deliveries
  for each row when (new.state = 'new') execute function whatsapp.hand_over_arrivals();
alter table whatsapp.deliveries reset (fillfactor);
comment on column whatsapp.deliveries.state is
  'new: waits to be ingested, again or from a gateway of before. split: ingested, unless whatsapp.arrivals has it.';
comment on column whatsapp.deliveries.name_hashes is
  'As in whatsapp.delivery_names, of what was ingested again or by a gateway of before.';
