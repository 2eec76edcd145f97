"""Answers that Meta accepted and then could not deliver: listed, told of once, sent again."""

from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.queue import maintenance

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, Operate
from .fake_peers import FakePeers
from .test_account_deletion import delete_account, traces_of

PHONE = "4915112345678"


def alerts() -> float:
    return REGISTRY.get_sample_value("whatsapp_alerts_total", {"alert": "undelivered"}) or 0


async def fail(gateway: Gateway, send: dict[str, str], code: int = 131026) -> None:
    """Meta reports that it could not deliver this."""
    await gateway.keep(meta.status(send, "failed", errors=[{"code": code, "title": "Undeliverable"}]))
    await gateway.ingest()


async def answered(gateway: Gateway, linked: LinkNumber, body: str = "hello") -> tuple[UUID, str]:
    """A user whose message was answered; the user and the message's wamid."""
    person = await linked(f"+{PHONE}")
    message = meta.text(body=body)
    await gateway.keep(message)
    await gateway.drain()
    return person, message["id"]


async def test_a_failure_after_acceptance_is_listed_and_told_of_once(
    gateway: Gateway,
    peers: FakePeers,
    linked: LinkNumber,
    operator: Operate,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, wamid = await answered(gateway, linked)
    before = alerts()
    await fail(gateway, peers.sent[0])
    for _ in range(3):
        await maintenance.run(gateway.pool, gateway.settings)
    assert alerts() - before == 1
    assert capsys.readouterr().out.count("send.undelivered") == 1
    (row,) = operator("list", "--status", "failed", "--json")
    assert (row["key"], row["state"], row["status"], row["code"]) == (wamid, "done", "failed", 131026)
    assert operator("list", "--status", "delivered", "--json") == []


async def test_a_replay_sends_it_again_and_the_log_keeps_one_row(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate
) -> None:
    _, wamid = await answered(gateway, linked)
    await fail(gateway, peers.sent[0])
    would = operator("replay", "--status", "failed", "--dry-run")
    assert "1 send will be made again" in would
    await gateway.drain()
    assert len(peers.sent) == 1
    assert "1 of 1 event changed" in operator("replay", "--wamid", wamid)
    await gateway.drain()
    assert peers.phones[PHONE] == ["hello"] * 2
    await gateway.keep(meta.status(peers.sent[1], "delivered"))
    await gateway.ingest()
    assert await gateway.states() == [(wamid, "done")]
    assert [(turn["role"], turn["content"]) for turn in peers.log] == [
        ("user", "hello"),
        ("assistant", "hello"),
    ]
    (row,) = operator("list", "--json")
    assert (row["status"], row["code"]) == ("delivered", None)


async def test_what_is_still_said_of_the_failed_call_changes_nothing(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate
) -> None:
    _, wamid = await answered(gateway, linked)
    await fail(gateway, peers.sent[0])
    operator("replay", "--wamid", wamid)
    await gateway.keep(meta.status(peers.sent[0], "sent"))  # before the second call
    await gateway.drain()
    assert len(peers.sent) == 2
    await gateway.keep(meta.status(peers.sent[0], "read"))
    await gateway.keep(meta.status(peers.sent[1], "sent"))
    await gateway.ingest()
    sends = await gateway.pool.fetch("select wamid, status from whatsapp.outbox")
    assert [tuple(send) for send in sends] == [(peers.sent[1]["wamid"], "sent")]
    waiting = await gateway.pool.fetchval("select count(*) from whatsapp.statuses where not applied")
    assert waiting == 0


@pytest.mark.parametrize(
    ("code", "older", "why"),
    [
        (131050, "0 hours", "code 131050 does not change"),
        (132000, "0 hours", "code 132000 does not change"),
        (131047, "25 hours", "more than 24 hours old"),
        (131026, "25 hours", "more than 24 hours old"),
    ],
)
async def test_a_replay_that_cannot_help_is_not_made_and_says_why(
    gateway: Gateway,
    peers: FakePeers,
    linked: LinkNumber,
    operator: Operate,
    code: int,
    older: str,
    why: str,
) -> None:
    await answered(gateway, linked)
    await fail(gateway, peers.sent[0], code)
    await gateway.pool.execute(f"update whatsapp.events set sent_at = sent_at - interval '{older}'")  # noqa: S608
    said = operator("replay", "--status", "failed")
    assert why in said
    assert "0 of 1 event changed" in said
    await gateway.drain()
    assert len(peers.sent) == 1


async def test_once_the_person_has_written_again_it_can_be_sent_again(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate
) -> None:
    await answered(gateway, linked)
    await fail(gateway, peers.sent[0], 131047)
    await gateway.pool.execute("update whatsapp.events set sent_at = sent_at - interval '25 hours'")
    await gateway.keep(meta.text(body="back"))
    await gateway.drain()
    operator("replay", "--status", "failed")
    await gateway.drain()
    assert peers.phones[PHONE] == ["hello", "back", "hello"]


async def test_a_replay_of_what_was_delivered_says_that_nothing_is_done(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate
) -> None:
    _, wamid = await answered(gateway, linked)
    await gateway.keep(meta.status(peers.sent[0], "delivered"))
    await gateway.ingest()
    said = operator("replay", "--wamid", wamid)
    assert "it is done, and its answer is delivered" in said
    assert "0 of 1 event changed" in said
    assert await gateway.states() == [(wamid, "done")]


async def test_an_account_is_deleted_with_what_names_the_failed_call(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate, database: Database
) -> None:
    person, wamid = await answered(gateway, linked, "very private")
    await fail(gateway, peers.sent[0])
    operator("replay", "--wamid", wamid)
    await gateway.drain()
    former = peers.sent[0]["wamid"]
    assert ("whatsapp.former_wamids", former) in await traces_of(database, former)
    await delete_account(database, person)
    assert await traces_of(database, former, "very private", PHONE) == []
