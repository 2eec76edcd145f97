-- Where deliveries are found by what they name, also those whose names were stored together (docs/decisions/0186);
-- the deletion of an account follows in 20261230000200.
set lock_timeout = '5s';
set statement_timeout = '60s';

create or replace function whatsapp.former_wamid_gone() returns trigger
language plpgsql set search_path = '' as $$
begin
  delete from whatsapp.statuses where wamid = old.wamid;
  delete from whatsapp.deliveries where state = 'split'
    and id = any (array(select whatsapp.deliveries_naming(p_names => array[old.wamid])));
  return null;
end
$$;

create or replace function whatsapp.forget_delivered(p_contact_id bigint, p_key text) returns integer
language plpgsql set search_path = '' as $$
declare
  v_deleted integer;
begin
  if not exists (
    select from whatsapp.events where corrects = p_key and kind = 'revoke' and contact_id = p_contact_id
  ) or exists (
    select from whatsapp.events where key = p_key and contact_id is distinct from p_contact_id
  ) then
    return 0;
  end if;
  delete from whatsapp.deliveries where id in (
    select d.id from whatsapp.deliveries as d
    where d.state = 'split' and d.id = any (array(select whatsapp.deliveries_naming(p_names => array[p_key])))
    order by d.id for update);
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;
