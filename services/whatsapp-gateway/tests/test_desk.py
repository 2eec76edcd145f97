"""The operator's desk: what can be seen and decided, and that deciding twice does no harm."""

import asyncio
import json
import os
import subprocess
import sys
from argparse import ArgumentTypeError

import pytest

from ava_whatsapp_gateway.__main__ import main
from ava_whatsapp_gateway.housekeeping import keep
from ava_whatsapp_gateway.selection import Selection, moment

PHONE = "4915112345678"


@pytest.fixture
async def desk(database):
    def run(*arguments, ok=0):
        done = subprocess.run(
            [sys.executable, "-m", "ava_whatsapp_gateway", *arguments],
            env={**os.environ, "WHATSAPP_GATEWAY_DATABASE_URL": database.url("ava_whatsapp_gateway")},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == ok, done.stderr
        return json.loads(done.stdout) if "--json" in arguments or arguments[0] == "show" else done.stdout

    return run


@pytest.fixture
async def dead(gateway, house, linked, meta):
    """One dead letter among what went well."""
    person = await linked(f"+{PHONE}")
    house.before["graph!"].append((400, {"error": {"code": 131026, "message": "undeliverable"}}))
    message = meta.text(body="a secret word")
    await gateway.deliver(message, meta.text(body="fine"))
    await gateway.drain()
    return person, message["id"]


async def test_dead_letters_are_found_by_wamid_person_state_and_time(desk, dead):
    person, wamid = dead
    for chosen in (
        ["--wamid", wamid],
        ["--state", "dead"],
        ["--person", str(person), "--state", "dead"],
        ["--person", f"+{PHONE}", "--state", "dead", "--since", "1h"],
    ):
        (row,) = desk("list", "--json", *chosen)
        assert (row["key"], row["state"], row["user_id"]) == (wamid, "dead", str(person))
    assert desk("list", "--json", "--until", "1h") == []
    assert wamid in desk("list")


async def test_show_tells_all_but_what_was_said_unless_asked(desk, dead):
    (shown,) = desk("show", "--wamid", dead[1])
    assert shown["sends"][0]["code"] == 131026
    assert "131026" in shown["reason"]
    assert "a secret word" not in json.dumps(shown)
    assert "a secret word" in json.dumps(desk("show", "--words", "--wamid", dead[1]))


async def test_a_dry_run_changes_nothing_and_a_replay_delivers_once(desk, dead, gateway, house):
    assert "1 event(s) would be" in desk("replay", "--state", "dead", "--dry-run")
    await gateway.drain()
    assert house.phones[PHONE] == ["fine"]
    for _ in range(3):
        desk("replay", "--person", PHONE)
        await gateway.drain()
    assert house.phones[PHONE] == ["fine", "a secret word"]
    assert len(house.log) == 4
    assert {state for _, state in await gateway.states()} == {"done"}


async def test_discarded_means_nothing_more_happens(desk, dead, gateway, house):
    desk("discard", "--wamid", dead[1])
    await gateway.drain()
    assert desk("list", "--json", "--wamid", dead[1])[0]["state"] == "discarded"
    assert house.phones[PHONE] == ["fine"]


async def test_what_is_quarantined_leaves_the_lane_and_comes_back(desk, gateway, house, linked, meta):
    await linked(f"+{PHONE}")
    message = meta.text(body="stuck")
    await gateway.deliver(message, meta.text(body="next"))
    await gateway.split()
    desk("quarantine", "--wamid", message["id"])
    await gateway.drain()
    assert house.phones[PHONE] == ["next"]
    desk("replay", "--wamid", message["id"])
    await gateway.drain()
    assert house.phones[PHONE] == ["next", "stuck"]


@pytest.mark.parametrize(("decision", "phone", "logged"), [("--sent", 1, 2), ("--not-sent", 2, 2)])
async def test_a_person_decides_about_an_unknown_send(
    desk, gateways, house, linked, meta, misbehaviour, decision, phone, logged
):
    gateway = await gateways(unknown_wait=0.01)
    await linked(f"+{PHONE}")
    house.after["graph"].append(misbehaviour["reset"]())
    await gateway.deliver(meta.text(body="was it?"))
    await gateway.drain()
    await asyncio.sleep(0.02)
    await keep(gateway.pool, gateway.means.settings)
    assert len(desk("list", "--json", "--state", "unresolved")) == 1
    for _ in range(2):
        desk("resolve", decision, "--state", "unresolved")
        await gateway.drain()
    assert house.phones[PHONE] == ["was it?"] * phone
    assert len(house.log) == logged
    assert [state for _, state in await gateway.states()] == ["done"]


async def test_unreadable_deliveries_are_read_again(desk, gateway):
    await gateway.deliver(raw=b"{broken")
    await gateway.drain()
    assert "1 delivery(s) would be" in desk("replay", "--deliveries", "--dry-run")
    assert "1 delivery(s) were" in desk("replay", "--deliveries")
    assert await gateway.pool.fetchval("select state from whatsapp.deliveries") == "new"


async def test_an_unreadable_item_is_split_again_alone(desk, gateway, house, linked, meta):
    await linked(f"+{PHONE}")
    await gateway.deliver({"type": "text"}, meta.text(body="sibling"))
    await gateway.drain()
    desk("replay", "--state", "quarantined")
    await gateway.drain()
    assert house.phones[PHONE] == ["sibling"]
    assert sorted(state for _, state in await gateway.states()) == ["done", "quarantined"]


def test_changing_everything_by_mistake_is_refused(capsys):
    assert main(["discard"]) == 2
    assert "Say which" in capsys.readouterr().err


@pytest.mark.parametrize("written", ["soon", "5 days", "2026-13-01"])
def test_a_time_that_is_none_is_refused(written):
    with pytest.raises(ArgumentTypeError, match="2h or 7d"):
        moment(written)


def test_times_without_a_zone_are_utc():
    assert moment("2026-11-22T14:00").isoformat() == "2026-11-22T14:00:00+00:00"
    assert Selection().is_everything
