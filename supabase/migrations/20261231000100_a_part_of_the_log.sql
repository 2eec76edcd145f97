-- A page that looks for something reads so much of the log and no more, and says where to go on (docs/decisions/0190).
-- Additions only: page_3 stays for neighbours of before.
set lock_timeout = '5s';
set statement_timeout = '60s';

-- The text is compared as in page_3. A long message is much to compare and counts as several. Without sorting, the rows
-- come from the index that is in their order. Stable: one moment is read, that of the statement.
create function messaging.page_4(
  p_claims text,
  p_newest_first boolean,
  p_channel text,
  p_role text,
  p_avatar_id uuid,
  p_since timestamptz,
  p_until timestamptz,
  p_like text,
  p_after_created_at timestamptz,
  p_after_id uuid,
  p_limit integer,
  p_examined integer
) returns table (
  id uuid,
  avatar_id uuid,
  channel text,
  role text,
  content text,
  created_at timestamptz,
  external_id text,
  sent_at timestamptz,
  edited_at timestamptz,
  deleted_at timestamptz,
  is_end boolean
)
language plpgsql stable security invoker set search_path = ''
set plan_cache_mode = 'force_custom_plan' set enable_sort = 'off' as $$
declare
  v_user_id uuid := (p_claims::jsonb ->> 'sub')::uuid;
  v_like text := normalize(lower(normalize(p_like, nfc)), nfc);
  v_found integer := 0;
  v_examined integer := 0;
  v_work integer;
  v_is_match boolean;
begin
  perform pg_catalog.set_config('role', 'ava_messaging', true),
          pg_catalog.set_config('request.jwt.claims', p_claims, true),
          pg_catalog.set_config('request.jwt.claim.sub', '', true),
          pg_catalog.set_config('request.jwt.claim', '', true);
  is_end := false;
  for id, avatar_id, channel, role, content, created_at, external_id, sent_at, edited_at, deleted_at, v_work,
    v_is_match in
    select m.id, m.avatar_id, m.channel, m.role, m.content, m.created_at, m.external_id, m.sent_at, m.edited_at,
      m.deleted_at, case when v_like is null then 1 else 1 + octet_length(m.content) / 256 end,
      (p_channel is null or m.channel = p_channel)
      and (p_role is null or m.role = p_role)
      and (p_avatar_id is null or m.avatar_id is not distinct from p_avatar_id)
      and (v_like is null or
        case
          when octet_length(m.content) = char_length(m.content) then lower(m.content)
          when m.content is nfc normalized and lower(m.content) is nfc normalized then lower(m.content)
          else normalize(lower(normalize(m.content, nfc)), nfc)
        end like v_like)
    from public.messages as m
    where m.user_id = v_user_id
      and (p_since is null or m.created_at >= p_since)
      and (p_until is null or m.created_at < p_until)
      and (p_after_created_at is null
        or (p_newest_first and (m.created_at, m.id) < (p_after_created_at, p_after_id))
        or (not p_newest_first and (m.created_at, m.id) > (p_after_created_at, p_after_id)))
    order by
      case when p_newest_first then m.created_at end desc, case when p_newest_first then m.id end desc,
      case when not p_newest_first then m.created_at end, case when not p_newest_first then m.id end
    limit case when (p_channel, p_role, p_avatar_id, v_like) is null then p_limit else p_examined end
  loop
    if v_is_match then
      return next;
      v_found := v_found + 1;
      exit when v_found = p_limit;
    end if;
    v_examined := v_examined + v_work;
    exit when v_examined >= p_examined;
  end loop;
  if v_examined >= p_examined then
    is_end := true;
    return next;
  end if;
  -- After the rows, so that an account deleted before they were read cannot look like one with an empty log.
  perform ava_private.own_account();
end
$$;
comment on function messaging.page_4(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer, integer
) is 'One page of the caller''s messages in one round trip; no_data_found when the account was deleted. Found among
p_examined messages (null: all) that follow a place; where text is looked for, each counts once more for every 256
bytes. If there may be more, the last of those comes last, is_end, and is not of the page. Claims and question travel
together, and are gone with the transaction. Runs with its caller''s rights, so that grants and row-level security
decide as in any statement.';
revoke execute on function messaging.page_4(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer, integer
) from public, anon, authenticated, service_role;
grant execute on function messaging.page_4(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer, integer
) to ava_messaging;
