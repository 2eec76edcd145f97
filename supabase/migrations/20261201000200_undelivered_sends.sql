-- What an operator sees: a send that failed after Meta had accepted it is told of once, and can be made again. The row
-- stays, because its id is that of the turn in the message log; the wamid of the failed call is kept apart, so that what
-- Meta still says about that call changes nothing any more. Services of 0.1.0 go on as they are: the triggers are for
-- their statements too, and without a replay there is no former wamid.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table whatsapp.outbox add column alerted_at timestamptz;
comment on column whatsapp.outbox.alerted_at is 'When operators were alerted that it failed after it had been accepted.';

create table whatsapp.former_wamids (
  wamid text primary key,
  send_id uuid not null references whatsapp.outbox (id) on delete cascade,
  accepted_at timestamptz,
  code integer,
  replayed_at timestamptz not null default clock_timestamp()
);
comment on table whatsapp.former_wamids is
  'The ids at Meta of calls that were accepted, failed, and were made again by an operator.';
comment on column whatsapp.former_wamids.send_id is 'The send that has another wamid since, or none yet.';
comment on column whatsapp.former_wamids.code is 'Meta''s error code of the failure.';
comment on column whatsapp.former_wamids.replayed_at is 'When an operator chose to make the call again.';
create index former_wamids_send_id on whatsapp.former_wamids (send_id);
alter table whatsapp.former_wamids enable row level security;
alter table whatsapp.former_wamids force row level security;
revoke all on whatsapp.former_wamids from public, anon, authenticated, service_role;
grant select, insert, update, delete on whatsapp.former_wamids to ava_whatsapp_gateway;
create policy "The gateway keeps its own books" on whatsapp.former_wamids
  to ava_whatsapp_gateway using (true) with check (true);

create function whatsapp.status_of_a_former_call() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select from whatsapp.former_wamids as f where f.wamid = new.wamid) then
    new.outbox_id := null;
    new.applied := true;
  end if;
  return new;
end
$$;
comment on function whatsapp.status_of_a_former_call() is
  'Meta returns the send''s id with every call''s statuses: one about a call that was made again is stored and no more.';
revoke all on function whatsapp.status_of_a_former_call() from public, anon, authenticated, service_role;
create trigger status_of_a_former_call before insert on whatsapp.statuses
  for each row execute function whatsapp.status_of_a_former_call();

create function whatsapp.no_former_wamid() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select from whatsapp.former_wamids as f where f.wamid = new.wamid) then
    return null;
  end if;
  return new;
end
$$;
comment on function whatsapp.no_former_wamid() is
  'A worker that read a status just before its send was replayed must not settle the new call with the old wamid.';
revoke all on function whatsapp.no_former_wamid() from public, anon, authenticated, service_role;
create trigger no_former_wamid before update of wamid on whatsapp.outbox
  for each row when (old.wamid is null and new.wamid is not null) execute function whatsapp.no_former_wamid();

create function whatsapp.former_wamid_gone() returns trigger
language plpgsql set search_path = '' as $$
begin
  delete from whatsapp.statuses where wamid = old.wamid;
  delete from whatsapp.deliveries where state = 'split' and names && array[old.wamid];
  return null;
end
$$;
comment on function whatsapp.former_wamid_gone() is
  'What still names the former call goes with its send, as an account''s deletion promises.';
revoke all on function whatsapp.former_wamid_gone() from public, anon, authenticated, service_role;
create trigger former_wamid_gone after delete on whatsapp.former_wamids
  for each row execute function whatsapp.former_wamid_gone();
