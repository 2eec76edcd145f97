"""A typed number releases what was said within the last hour; a code, which proves the phone, all."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.operator import actions
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.queue import retention

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers
from .test_link_changes import UNLINK
from .test_link_confirmation import asking  # noqa: F401

Link = Callable[..., Awaitable[UUID]]
Gateways = Callable[..., Awaitable[Gateway]]

PHONE = "4915112345678"


async def say(gateway: Gateway, words: str, age: timedelta = timedelta(0)) -> None:
    """Say it now, and let it be that long ago."""
    message = meta.text(PHONE, words)
    await gateway.keep(message)
    await gateway.drain()
    await gateway.pool.execute(
        "update whatsapp.events set received_at = received_at - $2::interval,"
        " changed_at = changed_at - $2::interval,"
        " sent_at = sent_at - $2::interval where key = $1",
        message["id"],
        age,
    )


def said(peers: FakePeers, person: UUID) -> list[str]:
    return [words for role, words in peers.turns(person) if role == "user"]


async def test_a_typed_number_releases_only_what_was_said_within_the_last_hour(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    await say(gateway, "days ago", timedelta(days=2))
    await say(gateway, "too long ago", timedelta(minutes=61))
    await say(gateway, "recently", timedelta(minutes=59))
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert said(peers, person) == ["recently"]
    rows = await gateway.pool.fetch("select state, reason from whatsapp.events order by id")
    assert [tuple(row) for row in rows] == [
        ("discarded", retention.PAST),
        ("discarded", retention.PAST),
        ("done", None),
    ]
    await linked(f"+{PHONE}", person)
    await gateway.drain()
    assert said(peers, person) == ["recently"]


async def test_the_minutes_are_a_setting(gateways: Gateways, peers: FakePeers, linked: Link) -> None:
    gateway = await gateways(held_replay_minutes=5)
    await say(gateway, "six", timedelta(minutes=6))
    await say(gateway, "four", timedelta(minutes=4))
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert said(peers, person) == ["four"]


async def test_it_is_the_link_that_is_compared_with_and_not_when_the_gateway_gets_to_it(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    await say(gateway, "recently", timedelta(minutes=50))
    person = await linked(f"+{PHONE}")
    await gateway.pool.execute(
        "update whatsapp.events set received_at = received_at - interval '2 hours',"
        " released_at = released_at - interval '2 hours'"
    )
    await gateway.drain()
    assert said(peers, person) == ["recently"]


async def test_another_number_that_ends_alike_starts_no_clock(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    await say(gateway, "recently", timedelta(minutes=50))
    await linked("+15512345678")
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["held"]
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert said(peers, person) == ["recently"]


async def test_what_waits_for_another_reason_is_past_as_well(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    """It was not held yet, because the notice could not be sent."""
    peers.before["graph!"].append((401, {"error": {"code": 190}}))
    await gateway.keep(meta.text(PHONE, "long ago"))
    await gateway.round()
    await gateway.pool.execute("update whatsapp.events set received_at = received_at - interval '2 hours'")
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    assert said(peers, person) == []
    assert [state for _, state in await gateway.states()] == ["discarded"]


async def waits(gateway: Gateway, digits: str, words: str) -> None:
    """Said hours ago, and not handled since: the gateway was away."""
    message = meta.text(digits, words)
    await gateway.keep(message)
    await gateway.ingest()
    await gateway.pool.execute(
        "update whatsapp.events set received_at = received_at - interval '3 hours' where key = $1",
        message["id"],
    )


async def test_what_waits_on_a_number_that_passes_to_another_account_is_past(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    """The first has moved there, as Meta told; the second types it."""
    moved = "4917000000000"
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(PHONE, "before", from_user_id="DE.1"))
    system = {"type": "user_changed_number", "wa_id": moved, "previous_user_id": "DE.1"}
    await gateway.drain()
    await gateway.keep(meta.text(PHONE, type="system", system=system))
    await gateway.drain()
    await waits(gateway, moved, "hours ago")
    second = await linked(f"+{moved}")
    await gateway.drain()
    assert (said(peers, first), said(peers, second)) == (["before"], [])


async def test_what_waits_when_a_number_is_unlinked_is_past_for_who_has_linked_another_spelling(
    gateway: Gateway, peers: FakePeers, linked: Link, database: Database
) -> None:
    first, second = await linked("+541123456789"), await linked("+5491123456789")
    await gateway.keep(meta.text("541123456789", "before"))
    await gateway.drain()
    await waits(gateway, "541123456789", "hours ago")
    await database.admin(UNLINK, first)
    await gateway.drain()
    assert (said(peers, first), said(peers, second)) == (["before"], [])


async def test_what_waits_stays_an_accounts_own_when_it_links_the_number_that_it_has_moved_to(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(PHONE, "before", from_user_id="DE.1"))
    await gateway.drain()
    system = {"type": "user_changed_number", "wa_id": "4917000000000", "previous_user_id": "DE.1"}
    await gateway.keep(meta.text(PHONE, type="system", system=system))
    await gateway.drain()
    await waits(gateway, "4917000000000", "hours ago")
    await linked("+4917000000000", person)
    await gateway.drain()
    assert said(peers, person) == ["before", "hours ago"]


async def test_a_code_releases_all(gateways: Gateways, peers: FakePeers, asking: UUID) -> None:  # noqa: F811
    gateway = await gateways(link_confirmation="code")
    await say(gateway, "days ago", timedelta(hours=20))
    await say(gateway, "12345678")
    await gateway.drain()
    assert said(peers, asking) == ["days ago"]


async def test_an_operator_may_replay_what_was_discarded(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    await say(gateway, "long ago", timedelta(hours=3))
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    async with gateway.pool.acquire() as connection:
        await actions.apply(connection, actions.replay, Filters())
    await gateway.drain()
    assert said(peers, person) == ["long ago"]


async def test_what_was_discarded_is_deleted_like_what_was_held_too_long(
    gateway: Gateway, linked: Link, database: Database
) -> None:
    await say(gateway, "long ago", timedelta(hours=3))
    await linked(f"+{PHONE}")
    await gateway.drain()
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert len(await gateway.states()) == 1
    await gateway.pool.execute("update whatsapp.events set received_at = received_at - interval '8 days'")
    await retention.apply_retention(gateway.pool, gateway.settings)
    assert await gateway.states() == []


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({}, "within one hour"),
        ({"held_replay_minutes": 90}, "within 90 minutes"),
        ({"held_replay_minutes": 0.5}, "within a minute"),
        ({"held_replay_minutes": 0}, "I cannot answer"),
        ({"held_replay_minutes": 100_000, "held_days": 3}, "within 3 days"),
        ({"link_confirmation": "code"}, "kept for 7 days"),
    ],
)
async def test_the_notice_promises_no_more_than_that(
    gateways: Gateways, peers: FakePeers, changes: dict[str, object], promise: str
) -> None:
    gateway = await gateways(**changes)
    await say(gateway, "hi")
    (notice,) = peers.phones[PHONE]
    assert promise in notice


HIDDEN = {"from_user_id": "DE.1"}


async def say_hidden(gateway: Gateway, words: str, age: timedelta = timedelta(0)) -> None:
    message = meta.text(PHONE, words, **HIDDEN)
    del message["from"]
    await gateway.keep(message)
    await gateway.ingest()
    older = "update whatsapp.events set received_at = received_at - $2::interval, sent_at = sent_at - $2"
    await gateway.pool.execute(older + " where key = $1", message["id"], age)


@pytest.mark.parametrize("mode", ["off", "code"])
@pytest.mark.parametrize("handled", [False, True])
@pytest.mark.parametrize("known", [False, True])
async def test_a_hidden_number_that_is_shown_gives_an_account_that_typed_it_recent_words_only(
    gateways: Gateways, peers: FakePeers, linked: Link, mode: str, handled: bool, known: bool
) -> None:
    gateway, person = await gateways(link_confirmation=mode), await linked(f"+{PHONE}")
    if known:
        await say(gateway, "with the number only")
    await say_hidden(gateway, "days ago", timedelta(days=2))
    await say_hidden(gateway, "recently", timedelta(minutes=50))
    if handled:
        await gateway.drain()
    await gateway.keep(meta.text(PHONE, "shown", **HIDDEN))
    await gateway.drain()
    heard = said(peers, person)
    older = ["with the number only"] if known else []
    assert sorted(heard) == sorted([*older, *(["days ago"] if mode == "code" else []), "recently", "shown"])
    assert heard.index("recently") < heard.index("shown")


async def test_what_an_owner_wrote_is_not_past_because_the_number_is_shown(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(PHONE, "one", **HIDDEN))
    await gateway.drain()
    await gateway.pool.execute("update whatsapp.contacts set wa_digits = null")
    await say_hidden(gateway, "waits for the gateway", timedelta(hours=2))
    await gateway.keep(meta.text(PHONE, "two", **HIDDEN))
    await gateway.drain()
    assert said(peers, person) == ["one", "waits for the gateway", "two"]


async def test_what_is_held_until_an_owner_is_found_by_chance_is_given_when_it_is_recent(
    gateway: Gateway, peers: FakePeers, linked: Link
) -> None:
    """As an earlier release left it: held, although a name that the contact has is linked."""
    await say(gateway, "days ago", timedelta(days=2))
    await say(gateway, "recently", timedelta(minutes=50))
    person = await linked("+4917000000000")
    await gateway.pool.execute("update whatsapp.contacts set alias_digits = '4917000000000'")
    await gateway.keep(meta.text(PHONE, "now"))
    await gateway.drain()
    assert said(peers, person) == ["recently", "now"]


@pytest.mark.parametrize("told", [{}, {"user_id": "DE.2", "previous_user_id": "DE.1"}], ids=["no ids", "ids"])
async def test_a_move_to_a_number_gives_recent_words_of_it_only(
    gateway: Gateway, peers: FakePeers, linked: Link, told: dict[str, str]
) -> None:
    """Its former holder, whom nothing but the number names, may have said the older ones."""
    new, person = "4917000000000", await linked(f"+{PHONE}")
    await gateway.keep(meta.text(PHONE, "before", from_user_id="DE.1"))
    for words, minutes in (("another person's", 70), ("their own", 10)):
        message = meta.text(new, words)
        await gateway.keep(message)
        await gateway.drain()
        await gateway.pool.execute(
            "update whatsapp.events set received_at = received_at - make_interval(mins => $2) where key = $1",
            *(message["id"], minutes),
        )
    system = {"type": "user_changed_number", "wa_id": new, **told}
    await gateway.keep(meta.text(PHONE, type="system", system=system, from_user_id="DE.1"))
    await gateway.keep(meta.text(new, "after", from_user_id="DE.2"))
    await gateway.drain()
    assert said(peers, person) == ["before", "their own", "after"]
