"""The operator CLI: what can be seen and decided, and that deciding twice does no harm."""

import asyncio
import json
from uuid import UUID

import pytest

from ava_whatsapp_gateway.__main__ import main
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.queue import maintenance

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, Operate, StartGateway
from .fake_peers import FakePeers, Reset

PHONE = "4915112345678"


@pytest.fixture
async def dead(gateway: Gateway, peers: FakePeers, linked: LinkNumber) -> tuple[UUID, str]:
    """One dead event beside one that was handled."""
    person = await linked(f"+{PHONE}")
    peers.before["graph!"].append((400, {"error": {"code": 131026, "message": "undeliverable"}}))
    message = meta.text(body="a secret word")
    await gateway.keep(message, meta.text(body="fine"))
    await gateway.drain()
    return person, message["id"]


async def test_dead_events_are_found_by_wamid_person_state_and_time(
    operator: Operate, dead: tuple[UUID, str]
) -> None:
    person, wamid = dead
    for chosen in (
        ["--wamid", wamid],
        ["--state", "dead"],
        ["--person", str(person), "--state", "dead"],
        ["--person", f"+{PHONE}", "--state", "dead", "--since", "1h"],
    ):
        (row,) = operator("list", "--json", *chosen)
        assert (row["key"], row["state"], row["user_id"]) == (wamid, "dead", str(person))
    assert operator("list", "--json", "--until", "1h") == []
    assert wamid in operator("list")


async def test_show_hides_what_was_said_unless_asked(operator: Operate, dead: tuple[UUID, str]) -> None:
    (shown,) = operator("show", "--wamid", dead[1])
    assert shown["sends"][0]["code"] == 131026
    assert "131026" in shown["reason"]
    assert "a secret word" not in json.dumps(shown)
    assert "a secret word" in json.dumps(operator("show", "--words", "--wamid", dead[1]))


async def test_a_dry_run_changes_nothing_and_a_replay_delivers_once(
    operator: Operate, dead: tuple[UUID, str], gateway: Gateway, peers: FakePeers
) -> None:
    assert "1 of 1 event would change" in operator("replay", "--state", "dead", "--dry-run")
    await gateway.drain()
    assert peers.phones[PHONE] == ["fine"]
    for _ in range(3):
        operator("replay", "--person", PHONE)
        await gateway.drain()
    assert peers.phones[PHONE] == ["fine", "a secret word"]
    assert len(peers.log) == 4
    assert {state for _, state in await gateway.states()} == {"done"}


async def test_a_discarded_event_is_not_handled_again(
    operator: Operate, dead: tuple[UUID, str], gateway: Gateway, peers: FakePeers
) -> None:
    operator("discard", "--wamid", dead[1])
    await gateway.drain()
    assert operator("list", "--json", "--wamid", dead[1])[0]["state"] == "discarded"
    assert peers.phones[PHONE] == ["fine"]


async def test_a_quarantined_event_leaves_its_lane_until_it_is_replayed(
    operator: Operate, gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    message = meta.text(body="stuck")
    await gateway.keep(message, meta.text(body="next"))
    await gateway.ingest()
    operator("quarantine", "--wamid", message["id"])
    await gateway.drain()
    assert peers.phones[PHONE] == ["next"]
    operator("replay", "--wamid", message["id"])
    await gateway.drain()
    assert peers.phones[PHONE] == ["next", "stuck"]


@pytest.mark.parametrize(("decision", "phone", "logged"), [("--sent", 1, 2), ("--not-sent", 2, 2)])
async def test_an_operator_resolves_an_unknown_send(
    operator: Operate,
    gateways: StartGateway,
    peers: FakePeers,
    linked: LinkNumber,
    decision: str,
    phone: int,
    logged: int,
) -> None:
    gateway = await gateways(unknown_wait_seconds=0.01)
    await linked(f"+{PHONE}")
    peers.after["graph"].append(Reset())
    await gateway.keep(meta.text(body="was it?"))
    await gateway.drain()
    await asyncio.sleep(0.02)
    await maintenance.run(gateway.pool, gateway.settings)
    assert len(operator("list", "--json", "--state", "unresolved")) == 1
    for _ in range(2):
        operator("resolve", decision, "--state", "unresolved")
        await gateway.drain()
    assert peers.phones[PHONE] == ["was it?"] * phone
    assert len(peers.log) == logged
    assert [state for _, state in await gateway.states()] == ["done"]


async def test_unreadable_deliveries_are_ingested_again(operator: Operate, gateway: Gateway) -> None:
    await gateway.keep(raw=b"{broken")
    await gateway.drain()
    assert "1 of 1 delivery would change" in operator("replay", "--deliveries", "--dry-run")
    assert "1 of 1 delivery changed" in operator("replay", "--deliveries")
    assert await gateway.pool.fetchval("select state from whatsapp.deliveries") == "new"


async def test_an_unreadable_item_is_ingested_again_alone(
    operator: Operate, gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    await gateway.keep({"type": "text"}, meta.text(body="sibling"))
    await gateway.drain()
    operator("replay", "--state", "quarantined")
    await gateway.drain()
    assert peers.phones[PHONE] == ["sibling"]
    assert sorted(state for _, state in await gateway.states()) == ["done", "quarantined"]


def test_changing_everything_by_mistake_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["discard"]) == 2
    assert "Say which" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("--since", "soon"), ("--until", "99999999d"), ("--limit", "-1"), ("--limit", "0")]
)
def test_an_invalid_option_is_refused(capsys: pytest.CaptureFixture[str], option: str, value: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["list", option, value])
    assert f"argument {option}: use " in capsys.readouterr().err


def test_no_filter_matches_everything() -> None:
    assert Filters().match_everything
