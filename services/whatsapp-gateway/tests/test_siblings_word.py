"""A service's word counts when it is the service's own; what answers in its place is waited out."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, MakeSettings, RunService
from .fake_peers import Answer, FakePeers

PHONE = "4915112345678"
PAGE = b"<html><body>Back soon</body></html>"
STRANGE: list[Any] = [
    *((status, PAGE) for status in (200, 201, 204, 301, 400, 401, 403, 404, 405, 409, 410, 418, 422, 451)),
    (200, b""), (200, []), (200, {}), (200, "turn"), (200, {"id": 7}), (200, {"id": str(uuid4())}),
    (404, {"detail": "Not Found"}), (404, {"type": "about:blank"}), (403, {"type": ["urn:ava:problem:x"]}),
    (404, {"type": "urn:ava:problem:not-found"}), (405, {"type": "urn:ava:problem:method-not-allowed"}),
    (200, b"[" * 100_000), (422, b"{" * 10), (200, b"\xff\xfe"),
]  # fmt: skip


@pytest.mark.parametrize("step", ["tokens", "avatar", "messages"])
async def test_what_answers_in_a_services_place_is_waited_out(
    gateway: Gateway, peers: FakePeers, person: UUID, step: str
) -> None:
    peers.avatars[person] = avatar = uuid4()
    # A JSON object with an id is an avatar.
    strange = [s for s in STRANGE if step != "avatar" or not _has_uuid(s)]
    peers.before[f"{step}!"].extend(strange)
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert not peers.before[f"{step}!"]
    assert peers.phones[PHONE] == ["one", "two"]
    said = [("user", "one"), ("assistant", "one"), ("user", "two"), ("assistant", "two")]
    assert peers.turns(person) == said
    assert {turn["avatar_id"] for turn in peers.log} == {str(avatar)}
    assert [state for _, state in await gateway.states()] == ["done", "done"]


def _has_uuid(answer: Answer) -> bool:
    return isinstance(answer[1], dict) and len(str(answer[1].get("id", ""))) == 36


async def test_a_deletion_is_not_over_before_messaging_itself_says_so(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    """A page in its place must not leave in the log what its writer has deleted."""
    said, deleted = meta.text(body="secret", id="wamid.said"), {"original_message_id": "wamid.said"}
    await gateway.keep(said)
    await gateway.drain()
    peers.before["corrections!"].extend(STRANGE)
    await gateway.keep({**said, "id": "wamid.gone", "type": "revoke", "revoke": deleted})
    await gateway.drain()
    assert not peers.before["corrections!"]
    assert peers.turns(person)[0] == ("user", "")


async def test_the_answers_log_entry_is_waited_for_as_well(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    async def then_strange() -> None:
        peers.before["messages!"].extend([(200, PAGE), (404, PAGE)])

    peers.after["graph"].append(then_strange)
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    assert peers.turns(person) == [("user", "one"), ("assistant", "one")]
    assert peers.phones[PHONE] == ["one"]


@pytest.mark.parametrize("kind", ["message-differs", "a-problem-of-a-newer-version"])
async def test_a_refusal_in_a_problem_document_of_any_type_of_ours_is_final(
    gateway: Gateway, peers: FakePeers, person: UUID, kind: str
) -> None:
    peers.before["messages!"].append((409, {"type": f"urn:ava:problem:{kind}"}))
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    reason = await gateway.pool.fetchval("select reason from whatsapp.events where state = 'dead'")
    assert reason == f"messaging refused: 409 urn:ava:problem:{kind}"


async def waiting_for(database: Database) -> list[str]:
    return [row[0] for row in await database.admin("select waits_for from whatsapp.lanes order by 1")]


async def test_the_first_to_find_a_service_back_wakes_all_that_wait_for_it(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID, database: Database
) -> None:
    others = [f"49151000000{n:02}" for n in range(4)]
    for phone in others:
        await linked(f"+{phone}")
    peers.before["messages!"].extend([(503, {})] * 5)
    await gateway.keep(*(meta.text(sender=phone, body="hi") for phone in [PHONE, *others]))
    await gateway.round()
    assert await waiting_for(database) == ["away:messaging"] * 5
    await database.admin(
        "update whatsapp.lanes set due_at = now() + interval '1 hour'"
        " where contact_id <> (select min(contact_id) from whatsapp.lanes)"
    )
    await gateway.drain()
    assert len(peers.log) == 10


async def test_lanes_that_wait_for_other_things_are_left_alone(
    gateway: Gateway, peers: FakePeers, person: UUID, linked: LinkNumber, database: Database
) -> None:
    await linked("+4915100000001")
    peers.before["graph!"].append((400, {"error": {"code": 131056}}))
    await gateway.keep(meta.text(body="pair"))
    await gateway.round()
    await database.admin("update whatsapp.lanes set due_at = now() + interval '1 hour'")
    peers.before["messages!"].append((503, {}))
    await gateway.keep(meta.text(sender="4915100000001", body="hi"))
    await gateway.round()
    await gateway.pool.fetchval("select whatsapp.probe_waiting(p_shared => 'away:')")
    await gateway.round()
    assert await waiting_for(database) == ["pair"]


@pytest.mark.parametrize("away", [lambda: (503, {}), lambda: (404, PAGE)])
async def test_a_service_that_is_back_is_found_within_a_poll_whatever_the_back_off(
    run_service: RunService,
    settings: MakeSettings,
    peers: FakePeers,
    linked: LinkNumber,
    database: Database,
    away: Callable[[], Answer],
) -> None:
    await linked(f"+{PHONE}")
    peers.before["messages!"].extend([away()] * 3)
    body = meta.envelope(meta.text(body="patient"))
    async with run_service(settings(backoff_unit_seconds=3600)) as client:
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        await eventually(lambda: len(peers.log) == 2)
