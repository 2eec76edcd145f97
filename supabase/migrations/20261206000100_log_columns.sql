-- The log knows when a phone sent a message, and what became of it there: edited, or deleted (docs/decisions/0140, 0141).
-- Additions only: release 0.1.0 writes none of these columns, and what it writes fits the constraints.
set lock_timeout = '5s';
set statement_timeout = '60s';

alter table public.messages
  add column sent_at timestamptz,
  add column edited_at timestamptz,
  add column deleted_at timestamptz;
comment on column public.messages.created_at is
  'Where the message stands in the log: never before what the log had when it came in (messaging.next_created_at).';
comment on column public.messages.sent_at is
  'When the phone sent it, as Meta says: in whole seconds. Null for what was not written on a phone.';
comment on column public.messages.edited_at is 'When its writer edited it on the phone; the content is the new one.';
comment on column public.messages.deleted_at is 'When its writer deleted it on the phone; the content is empty since then.';

-- The rows are checked by the next migration, which keeps nobody from writing.
-- squawk-ignore ban-drop-constraint
alter table public.messages drop constraint messages_content_check;
alter table public.messages
  add constraint messages_content_check check (
    case when deleted_at is null then char_length(content) between 1 and 65536 else content = '' end) not valid,
  add constraint messages_changed_on_a_phone check (
    (edited_at is null and deleted_at is null) or (channel = 'whatsapp' and role = 'user')) not valid;

grant insert (sent_at) on public.messages to ava_messaging;
grant update (content, edited_at, deleted_at) on public.messages to ava_messaging;
create policy "A delegate changes what was edited or deleted on the phone" on public.messages
  for update to ava_messaging
  using (
    user_id = (select auth.uid()) and channel = 'whatsapp' and role = 'user'
    and (select auth.jwt()) -> 'act' ->> 'sub' = 'whatsapp-gateway'
  )
  with check (
    user_id = (select auth.uid()) and channel = 'whatsapp' and role = 'user'
    and (select auth.jwt()) -> 'act' ->> 'sub' = 'whatsapp-gateway'
  );
