-- The message ids, numbers and business-scoped ids that a delivery names get a column of their own, so that no index
-- depends on a function. Four steps, each of them short for those at work (docs/decisions/0091-schema-versions.md).
-- This one: the columns, and a trigger that fills them while a gateway that does not know them is still running.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- The function of 0.1.0 has a variable of that name: beside the column no account could be deleted until step four.
do $$
begin
  execute regexp_replace(
    pg_get_functiondef('ava_private.whatsapp_farewell()'::regprocedure), '\mnames\M', 'v_names', 'g');
end
$$;

alter table whatsapp.deliveries add column names text[];
alter table whatsapp.events add column names text[];

create function whatsapp.fill_names() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_table_name = 'deliveries' then
    new.names := whatsapp.names_in(new.body);
  else
    new.names := whatsapp.names_in(new.item);
  end if;
  return new;
end
$$;
comment on function whatsapp.fill_names() is
  'For gateways of release 0.1.0, which store no names: without them an account''s deletion would miss the row.';
revoke all on function whatsapp.fill_names() from public, anon, authenticated, service_role;

create trigger fill_names before insert or update of state on whatsapp.deliveries
  for each row when (new.state = 'split' and new.names is null) execute function whatsapp.fill_names();
create trigger fill_names before insert or update of contact_id on whatsapp.events
  for each row when (new.contact_id is null and new.names is null) execute function whatsapp.fill_names();
