-- A send goes with its event, and so with its event's contact (docs/decisions/0187).
set lock_timeout = '5s';
set statement_timeout = '60s';

do $$
begin
  -- This needs two tables. Who has the second one may be waiting for the first: then both are tried again.
  for v_try in 1..500 loop
    begin
      lock table whatsapp.contacts in access exclusive mode;
      lock table whatsapp.outbox in access exclusive mode nowait;
      exit;
    exception when lock_not_available then
      perform pg_catalog.pg_sleep(0.01);
    end;
  end loop;
  alter table whatsapp.outbox drop constraint outbox_contact_id_fkey;
end
$$;
comment on column whatsapp.outbox.contact_id is 'The contact of its event, always.';
