-- A message's place in the log, the avatar of what is written in the app, and a search in one normal form
-- (docs/decisions/0140, 0142). Additions only: release 0.1.0 calls none of this.
set lock_timeout = '5s';
set statement_timeout = '60s';

create function messaging.next_created_at(p_user_id uuid, p_wanted timestamptz) returns timestamptz
language plpgsql volatile security invoker set search_path = '' as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('messaging.log ' || p_user_id, 0));
  -- A second statement, so that it sees what was committed while the first one waited.
  return greatest(p_wanted, (
    select m.created_at + interval '1 microsecond' from public.messages as m
    where m.user_id = p_user_id order by m.created_at desc, m.id desc limit 1));
end
$$;
comment on function messaging.next_created_at(uuid, timestamptz) is
  'The time under which the next message stands in the user''s log: the wanted one, but always after the newest.
Until the transaction ends no other message of theirs is written, so that a page never misses one that came later.';

create function ava_private.own_avatar() returns uuid
language sql volatile security definer set search_path = '' as $$
  select a.id from public.avatars as a where a.user_id = auth.uid() for key share
$$;
comment on function ava_private.own_avatar() is
  'The caller''s avatar, null without one; kept from being deleted until the transaction ends. Answers about the caller
and nobody else.';
revoke all on function ava_private.own_avatar() from public, anon, authenticated, service_role;
grant execute on function ava_private.own_avatar() to ava_messaging;

-- The text is compared in lower case and in normal form C: normal form first, because the lower case of a character and a
-- mark may not be that of both in one, and last, because both in one may exist in lower case only. A function for it
-- would cost more than the form, and the form is rarely needed: most texts are in it, or have ASCII only.
create function messaging.page_3(
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
  p_limit integer
) returns setof public.messages
language plpgsql volatile security invoker set search_path = '' as $$
declare
  v_user_id uuid;
begin
  perform pg_catalog.set_config('role', 'ava_messaging', true),
          pg_catalog.set_config('request.jwt.claims', p_claims, true),
          pg_catalog.set_config('request.jwt.claim.sub', '', true),
          pg_catalog.set_config('request.jwt.claim', '', true);
  v_user_id := (p_claims::jsonb ->> 'sub')::uuid;
  return query select * from public.messages as m
    where m.user_id = v_user_id
      and (p_channel is null or m.channel = p_channel) and (p_role is null or m.role = p_role)
      and (p_avatar_id is null or m.avatar_id = p_avatar_id)
      and (p_since is null or m.created_at >= p_since)
      and (p_until is null or m.created_at < p_until)
      and (p_like is null or
        case
          when octet_length(m.content) = char_length(m.content) then lower(m.content)
          when m.content is nfc normalized and lower(m.content) is nfc normalized then lower(m.content)
          else normalize(lower(normalize(m.content, nfc)), nfc)
        end like normalize(lower(normalize(p_like, nfc)), nfc))
      and (p_after_created_at is null
        or (p_newest_first and (m.created_at, m.id) < (p_after_created_at, p_after_id))
        or (not p_newest_first and (m.created_at, m.id) > (p_after_created_at, p_after_id)))
    order by
      case when p_newest_first then m.created_at end desc, case when p_newest_first then m.id end desc,
      case when not p_newest_first then m.created_at end, case when not p_newest_first then m.id end
    limit p_limit;
  -- After the rows, so that an account deleted before they were read cannot look like one with an empty log.
  perform ava_private.own_account();
end
$$;
comment on function messaging.page_3(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer
) is 'One page of the caller''s messages in one round trip; no_data_found when the account was deleted. Claims and
question travel together, and are gone with the transaction. Runs with its caller''s rights, so that grants and row-level
security decide as in any statement.';

-- No release has ever called it.
-- squawk-ignore ban-drop-function
drop function messaging.page_2(
  text, boolean, text, text, uuid, timestamptz, timestamptz, text, timestamptz, uuid, integer);

revoke execute on all functions in schema messaging from public, anon, authenticated, service_role;
grant execute on all functions in schema messaging to ava_messaging;
