"""Who may speak in whose voice: a person, a delegate of theirs, and whoever only says so."""

import pytest

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
async def test_only_a_delegate_speaks_on_another_channel_or_in_the_companions_voice(
    town, channel, role, external_id, person, delegate
):
    sql = MESSAGE % (channel, role, external_id)
    assert await town.outcome(town.person(town.alice, "ava_messaging"), sql) == person
    assert await town.outcome(town.delegate(town.alice, "ava_messaging"), sql) == delegate
    assert await town.outcome(town.delegate(town.bob, "ava_messaging"), sql) == "refused"


@pytest.mark.parametrize(
    "act",
    [
        *("whatsapp-gateway", ["whatsapp-gateway"], {}, True, None, ""),
        *({"sub": None}, {"sub": "profile"}, {"sub": [GATEWAY]}, {"act": GATEWAY}),
    ],
)
async def test_an_actor_that_is_not_the_gateway_may_write_nothing_at_all(town, act):
    actor = town.person(town.alice, "ava_messaging", act=act)
    assert await town.outcome(actor, MESSAGE % ("whatsapp", "assistant", "null")) == "refused"
    assert await town.outcome(actor, MESSAGE % ("app", "user", "null")) == "refused"


async def test_an_actor_named_elsewhere_in_the_claims_does_not_count(town):
    for more in ({"actor": GATEWAY}, {"user_metadata": {"act": GATEWAY}}, {"app_metadata": {"act": GATEWAY}}):
        actor = town.person(town.alice, "ava_messaging", **more)
        assert await town.outcome(actor, MESSAGE % ("whatsapp", "assistant", "null")) == "refused"


async def test_a_delegate_reads_for_the_person_but_changes_and_deletes_nothing(town):
    delegate = town.delegate(town.alice, "ava_messaging")
    assert await town.outcome(delegate, "select * from public.messages") == "done"
    assert await town.outcome(delegate, "delete from public.messages") == "nothing"
    delegate = town.delegate(town.alice, "ava_profile")
    assert await town.outcome(delegate, "select * from public.avatars") == "done"
    for sql in (
        "update public.avatars set name = 'Eve'",
        "delete from public.avatars",
        "update public.user_preferences set whatsapp_phone = '+4915100000001', whatsapp_linked_at = now()",
        "delete from public.user_preferences",
    ):
        assert await town.outcome(delegate, sql) == "nothing"


async def test_a_delegate_cannot_link_a_number_for_someone_who_has_none(town):
    sql = (
        "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
        " values ('{carol}', '+4915100000002', now())"
    )
    assert await town.outcome(town.delegate(town.carol, "ava_profile"), sql) == "refused"
    assert await town.outcome(town.person(town.carol, "ava_profile"), sql) == "done"


ROOMS = ("ava_auth", "ava_profile", "ava_messaging", "ava_whatsapp_gateway")
OTHERS = (
    *ROOMS,
    "anon",
    "authenticated",
    "service_role",
    "postgres",
    "supabase_admin",
    "supabase_auth_admin",
)


@pytest.mark.parametrize("room", ROOMS)
async def test_a_room_cannot_become_anybody_else(town, room):
    allowed = {room} | ({"service_role"} if room == "ava_whatsapp_gateway" else set())
    became = set()
    for other in OTHERS:
        for sql in (f"set local role {other}", f"set session authorization {other}"):
            outcome = await town.outcome(town.anyone(room, room), sql)
            assert outcome in ("refused", "done")
            became |= {other} if outcome == "done" else set()
    assert became == allowed


async def test_the_data_api_cannot_become_a_room(town):
    for room in ROOMS:
        assert await town.outcome(town.person(town.bob), f"set local role {room}") == "refused"
