-- What every schema, table and function is for, and every column whose name does not say it (tests/rls/catalog.sql).
set lock_timeout = '5s';
set statement_timeout = '60s';

comment on schema whatsapp is 'The gateway''s own: an inbox, one queue per contact, an outbox.
Lock order: ingest (advisory), links (advisory, between_links), lanes by contact_id, contacts, events, outbox by id. Facts
about a call (accepted, not_sent) are written whatever is locked; their callers repeat them after a deadlock.';
comment on schema accounts is 'Auth''s own: counted attempts, familiar networks, the audit log.';
comment on schema messaging is 'Messaging''s own functions; its table is public.messages.';

comment on function public.uuid_v7() is 'A time-ordered id (RFC 9562, version 7) on every supported version of PostgreSQL.';
comment on type public.personality is 'The personalities to choose from, as GET /profile/personalities lists them.';
comment on function ava_private.welcome() is
  'Adds the row in public.users for a new account. A failure here must never fail a sign-up.';
comment on function ava_private.whatsapp_farewell() is
  'The account goes with everything that was said: also deliveries as they came, copies of them, statuses, what was
stored but not answered, and contacts that are no longer pinned. Other people''s turns live on in their own events.
Fails the deletion rather than leave something behind.';
comment on function ava_private.whatsapp_link_changed() is
  'A changed link: the contacts of the number and of the user are looked up anew, and what was held is handled. The last
eight digits find every national spelling. A failure here must never fail the linking.';
comment on function ava_private.forget_in_the_journal() is
  'Deletes an account''s entries in the audit log of Supabase Auth, which name it by id and e-mail address.';

comment on table public.user_preferences is 'The WhatsApp number of a user, linked or waiting for its code.';
comment on column public.user_preferences.whatsapp_linked_at is 'Set together with whatsapp_phone.';
comment on column public.user_preferences.whatsapp_pending_phone is
  'E.164, not proven yet and therefore not unique: an unproven number must not keep its owner out.';
comment on column public.user_preferences.whatsapp_code_expires_at is 'The code is worthless from then on.';
comment on column public.user_preferences.whatsapp_code_attempts is 'Wrong codes since this one was made; at most five.';
comment on column public.avatars.age is 'In years.';
comment on column public.messages.channel is
  'Text, not an enum: equality of enums is not leakproof, so under row-level security it would never reach an index.';
comment on column public.messages.role is 'Text for the same reason as channel.';
comment on column public.messages.external_id is
  'The wamid, or app:<idempotency key>: the same thing twice is one row per user.';

comment on column accounts.attempts.subject is
  '"<kind> network <network>", "<kind> account <digest>", or that account " at <network>" where it is familiar.';
comment on column accounts.attempts.tries is 'Attempts since the window began.';
comment on column accounts.attempts.window_ends is 'From then on counting starts afresh.';
comment on column accounts.attempts.locked_until is 'Until then nothing is let through or counted.';
comment on table accounts.familiar_networks is
  'Where an account has logged in before: strangers who guess its password elsewhere cannot lock it out there.';
comment on column accounts.familiar_networks.account is 'The hex SHA-256 of the e-mail address.';
comment on column accounts.familiar_networks.network is 'An IPv4 address or an IPv6 /64.';
comment on column accounts.familiar_networks.known_until is 'Ninety days after the last log-in from there.';
comment on table accounts.audit is
  'Security events: ids, digests and words, never a password, token, e-mail address or phone number.';
comment on column accounts.audit.event is 'What happened, such as login.failed.';
comment on column accounts.audit.user_id is 'Not a foreign key: the entry outlives the account.';
comment on column accounts.audit.account is 'The hex SHA-256 of the e-mail address.';
comment on column accounts.audit.network is 'An IPv4 address or an IPv6 /64.';
comment on column accounts.audit.request_id is 'The request''s id in the logs of all services.';
comment on column accounts.audit.detail is 'More words about it, such as a reason.';

comment on column whatsapp.deliveries.digest is 'SHA-256 of the body: identical bytes are one row.';
comment on column whatsapp.deliveries.body is
  'Bytes, not text: a NUL or a lone surrogate in them must not cost the delivery.';
comment on column whatsapp.deliveries.trace is 'W3C trace id and request id of the POST.';
comment on column whatsapp.deliveries.state is 'new, split (ingested) or quarantined (not readable).';
comment on column whatsapp.deliveries.error is 'Why it is quarantined.';
comment on column whatsapp.deliveries.names is
  'The message ids, numbers and business-scoped ids in the body, to find it when an account is deleted. Set at ingest.';

comment on column whatsapp.contacts.wa_digits is 'The number exactly as Meta writes it, never judged or corrected.';
comment on column whatsapp.contacts.bsuid is 'Meta''s business-scoped user id.';
comment on column whatsapp.contacts.parent_bsuid is
  'Meta''s id of the same person for several businesses of one portfolio; stored, not used yet.';
comment on column whatsapp.contacts.alias_digits is 'What Meta calls this number when we send to it, where that differs (Brazil).';
comment on column whatsapp.contacts.user_id is 'The pin: whose contact this is, once found.';
comment on column whatsapp.contacts.link_version is
  'Counts links made and undone, so that an owner found before a change is not pinned after it.';
comment on column whatsapp.contacts.recycled is
  'The number belonged to another account before: only a link made from now on counts.';
comment on column whatsapp.contacts.relinked_by is 'Who linked the number last.';
comment on column whatsapp.contacts.next_send_at is
  'The pair rate as a theoretical arrival time: each send moves it one gap further.';

comment on column whatsapp.moves.reason is 'changed (Meta says so), new number, recycled, or united with another contact.';
comment on column whatsapp.moves.from_digits is 'The number before.';
comment on column whatsapp.moves.from_bsuid is 'The business-scoped id before.';
comment on column whatsapp.moves.to_digits is 'The number from then on, if known.';
comment on column whatsapp.moves.to_bsuid is 'The business-scoped id from then on, if known.';

comment on table whatsapp.events is
  'One row per update that is not a status: what it was, how far its handling is, and why it waits or ended.';
comment on column whatsapp.events.key is 'Meta''s wamid for a message, a digest for the rest: the same thing twice is one row.';
comment on column whatsapp.events.kind is 'Meta''s type of message, or system, or the field of another update.';
comment on column whatsapp.events.turn_id is 'The id of the user''s turn in the message log, made once.';
comment on column whatsapp.events.words is 'What the user said, as text; null when it is not a turn.';
comment on column whatsapp.events.sent_at is 'Meta''s time, never after received_at: the order in the lane.';
comment on column whatsapp.events.trace is 'W3C trace id and request id of the delivery''s POST.';
comment on column whatsapp.events.user_id is 'Whose turn it was, once logged. Not a foreign key: farewell deletes the row.';
comment on column whatsapp.events.avatar_id is 'The avatar it was said to, once logged.';
comment on column whatsapp.events.logged_at is 'When the turn was stored in the message log.';
comment on column whatsapp.events.attempts is 'Attempts that count towards giving up.';
comment on column whatsapp.events.reason is 'Why it waits, is held, is ignored or is dead.';
comment on column whatsapp.events.item is 'The update as JSON, cut out of its delivery.';
comment on column whatsapp.events.names is
  'As in whatsapp.deliveries, for events without a contact: nothing else would find them. Null for all others.';

comment on column whatsapp.lanes.due_at is
  'When a worker may take it: at once, after a back-off, or when the lease of its worker expires.';
comment on column whatsapp.lanes.token is 'The fence: only a worker that knows it may write.';
comment on column whatsapp.lanes.tries is 'How often in a row it had to wait.';
comment on column whatsapp.lanes.waits_for is 'What it waits for, such as number, pair or profile.';

comment on column whatsapp.outbox.id is 'Travels in biz_opaque_callback_data, and is the turn''s id in the message log.';
comment on column whatsapp.outbox.kind is 'An answer, which is a turn, or a notice, which is not.';
comment on column whatsapp.outbox.part is 'From 0: an answer may be too long for one message.';
comment on column whatsapp.outbox.attempts is
  'Calls made; the outcome of an older call never overwrites a newer one''s.';
comment on column whatsapp.outbox.failures is
  'Refusals that count towards giving up: not those that concern the number or its rate.';
comment on column whatsapp.outbox.resent is 'Sent once more although the first call may have arrived.';
comment on column whatsapp.outbox.wamid is 'Meta''s id, from the response or from a status.';
comment on column whatsapp.outbox.status is 'The furthest status so far: sent, delivered, read, failed.';
comment on column whatsapp.outbox.status_rank is 'The order of statuses: a row only ever moves forward.';
comment on column whatsapp.outbox.status_at is 'Meta''s time of that status.';
comment on column whatsapp.outbox.code is 'Meta''s error code.';
comment on column whatsapp.outbox.error is 'Meta''s words, or why the outcome is unknown.';
comment on column whatsapp.outbox.notice_day is 'Set for a notice that is sent at most once a day and contact (UTC).';

comment on column whatsapp.statuses.rank is 'As outbox.status_rank.';
comment on column whatsapp.statuses.outbox_id is 'Our send id, when Meta returned it.';
comment on column whatsapp.statuses.at is 'Meta''s time.';
comment on column whatsapp.statuses.code is 'Meta''s error code.';
comment on column whatsapp.statuses.error is 'Meta''s words.';
comment on column whatsapp.statuses.applied is 'The send it is about has taken it over.';

comment on column whatsapp.numbers.paused_until is 'Meta throttles the number until then.';
comment on column whatsapp.numbers.strikes is 'How often in a row it was throttled; calls in flight together are one.';
comment on column whatsapp.numbers.circuit_open is
  'The credential or the account is broken; one probe at a time finds out whether it works again.';
comment on column whatsapp.numbers.probe_at is 'When the next probe may be sent.';
comment on column whatsapp.numbers.code is 'Meta''s error code.';
