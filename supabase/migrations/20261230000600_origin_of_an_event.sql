-- An event keeps the number of its delivery when that is gone (docs/decisions/0187); numbers are never used again.
-- squawk-ignore-file require-concurrent-index-deletion
set lock_timeout = '5s';
set statement_timeout = '60s';

do $$
begin
  -- This needs two tables, as 20261230000400.
  for v_try in 1..500 loop
    begin
      lock table whatsapp.deliveries in access exclusive mode;
      lock table whatsapp.events in access exclusive mode nowait;
      exit;
    exception when lock_not_available then
      perform pg_catalog.pg_sleep(0.01);
    end;
  end loop;
  alter table whatsapp.events drop constraint events_delivery_id_fkey;
end
$$;
drop index whatsapp.events_delivery_id;
comment on column whatsapp.events.delivery_id is 'The delivery that it came in, which may be deleted since.';
