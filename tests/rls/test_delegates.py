"""Who may write in whose name: a person, their delegate, and an actor who only claims to be one."""

import pytest

from .conftest import SeededDatabase

GATEWAY = {"sub": "whatsapp-gateway"}
MESSAGE = (
    "insert into public.messages (user_id, channel, role, content, external_id)"
    " values ('{alice}', '%s', '%s', 'hi', %s)"
)


@pytest.mark.parametrize(
    ("channel", "role", "external_id", "person", "delegate"),
    [
        ("app", "user", "null", "done", "done"),
        ("app", "user", "'app:1'", "done", "done"),
        ("app", "user", "'wamid.1'", "refused", "done"),
        ("app", "assistant", "null", "refused", "done"),
        ("whatsapp", "user", "'wamid.1'", "refused", "done"),
        ("whatsapp", "assistant", "null", "refused", "done"),
        ("sms", "user", "null", "refused", "23514"),
        ("app", "system", "null", "refused", "23514"),
    ],
)
async def test_only_a_delegate_writes_on_another_channel_or_as_the_companion(
    seeded: SeededDatabase, channel: str, role: str, external_id: str, person: str, delegate: str
) -> None:
    sql = MESSAGE % (channel, role, external_id)
    assert await seeded.outcome(seeded.person(seeded.alice, "ava_messaging"), sql) == person
    assert await seeded.outcome(seeded.delegate(seeded.alice, "ava_messaging"), sql) == delegate
    assert await seeded.outcome(seeded.delegate(seeded.bob, "ava_messaging"), sql) == "refused"


@pytest.mark.parametrize(
    "act",
    [
        *("whatsapp-gateway", ["whatsapp-gateway"], {}, True, None, ""),
        *({"sub": None}, {"sub": "profile"}, {"sub": [GATEWAY]}, {"act": GATEWAY}),
    ],
)
async def test_an_actor_that_is_not_the_gateway_may_write_nothing_at_all(
    seeded: SeededDatabase, act: object
) -> None:
    actor = seeded.person(seeded.alice, "ava_messaging", act=act)
    assert await seeded.outcome(actor, MESSAGE % ("whatsapp", "assistant", "null")) == "refused"
    assert await seeded.outcome(actor, MESSAGE % ("app", "user", "null")) == "refused"


async def test_an_actor_named_elsewhere_in_the_claims_does_not_count(seeded: SeededDatabase) -> None:
    for more in ({"actor": GATEWAY}, {"user_metadata": {"act": GATEWAY}}, {"app_metadata": {"act": GATEWAY}}):
        actor = seeded.person(seeded.alice, "ava_messaging", **more)
        assert await seeded.outcome(actor, MESSAGE % ("whatsapp", "assistant", "null")) == "refused"


async def test_a_delegate_reads_for_the_person_but_changes_and_deletes_nothing(
    seeded: SeededDatabase,
) -> None:
    delegate = seeded.delegate(seeded.alice, "ava_messaging")
    assert await seeded.outcome(delegate, "select * from public.messages") == "done"
    assert await seeded.outcome(delegate, "delete from public.messages") == "nothing"
    delegate = seeded.delegate(seeded.alice, "ava_profile")
    assert await seeded.outcome(delegate, "select * from public.avatars") == "done"
    for sql in (
        "update public.avatars set name = 'Eve'",
        "delete from public.avatars",
        "update public.user_preferences set whatsapp_phone = '+4915100000001', whatsapp_linked_at = now()",
        "delete from public.user_preferences",
    ):
        assert await seeded.outcome(delegate, sql) == "nothing"


CHANGES = ("content = 'x'", "content = 'x', edited_at = now()", "content = '', deleted_at = now()")


@pytest.mark.parametrize(
    ("channel", "role", "outcome"),
    [
        ("whatsapp", "user", "done"),
        ("whatsapp", "assistant", "nothing"),
        ("app", "user", "nothing"),
        ("app", "assistant", "nothing"),
    ],
)
async def test_a_delegate_changes_only_what_the_user_said_on_the_phone(
    fresh_seeded: SeededDatabase, channel: str, role: str, outcome: str
) -> None:
    alice = fresh_seeded.alice
    await fresh_seeded.database.admin("delete from public.messages")
    await fresh_seeded.database.admin(MESSAGE.format(alice=alice) % (channel, role, "null"))
    for change in CHANGES:
        sql = f"update public.messages set {change}"  # noqa: S608
        for actor, expected in (
            (fresh_seeded.person(alice, "ava_messaging"), "nothing"),
            (fresh_seeded.person(alice, "ava_messaging", act={"sub": "profile"}), "nothing"),
            (fresh_seeded.delegate(fresh_seeded.bob, "ava_messaging"), "nothing"),
            (fresh_seeded.delegate(alice, "ava_messaging"), outcome),
        ):
            assert await fresh_seeded.outcome(actor, sql) == expected


@pytest.mark.parametrize(
    "change",
    ["role = 'assistant'", "channel = 'app'", "user_id = '{bob}'", "created_at = now()", "sent_at = now()"],
)
async def test_a_delegate_changes_nothing_else_of_a_message(seeded: SeededDatabase, change: str) -> None:
    sql = f"update public.messages set {change}"  # noqa: S608
    assert await seeded.outcome(seeded.delegate(seeded.alice, "ava_messaging"), sql) == "refused"


@pytest.mark.parametrize(
    "values",
    ["'', null, null", "'x', null, now()", "'', now(), null"],
)
async def test_only_a_deleted_message_is_empty(seeded: SeededDatabase, values: str) -> None:
    sql = (
        "insert into public.messages (user_id, channel, role, content, edited_at, deleted_at)"  # noqa: S608
        f" values ('{seeded.alice}', 'whatsapp', 'user', {values})"
    )
    assert await seeded.outcome(seeded.actor("postgres", "postgres", {}), sql) == "23514"


async def test_a_delegate_cannot_link_a_number_for_someone_who_has_none(seeded: SeededDatabase) -> None:
    sql = (
        "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
        " values ('{carol}', '+4915100000002', now())"
    )
    assert await seeded.outcome(seeded.delegate(seeded.carol, "ava_profile"), sql) == "refused"
    assert await seeded.outcome(seeded.person(seeded.carol, "ava_profile"), sql) == "done"
