"""./ava gateway, ./ava trace and ./ava audit on a running stack, as an operator types them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ava_local.stack.control import Stack
from e2e.people import Person, eventually, unique_text


def ava(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The command, as typed in another terminal."""
    return subprocess.run(
        [sys.executable, "-m", "ava_local", *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def on(stack: Stack, *arguments: str) -> str:
    """What it printed, about this stack."""
    where = {"AVA_STATE_DIR": str(stack.layout.state_dir), "AVA_PORT": str(stack.layout.base_port)}
    done = ava(*arguments, **where)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_message_is_traced_through_every_service(stack: Stack) -> None:
    person = Person(stack).set_up()
    words = unique_text("traceable")
    wamid = person.phone.send(words)
    assert person.phone.receive()
    eventually(person.messages, lambda found: len(found) == 2)
    traced = json.loads(on(stack, "trace", wamid, "--json"))
    said = [(entry["service"], entry["what"]) for entry in traced["entries"]]
    steps = [
        ("whatsapp-gateway", "posted and kept"),
        ("whatsapp-gateway", "ingested"),
        ("whatsapp-gateway", "claimed"),
        ("messaging", "logged"),
        ("whatsapp-gateway", "answered"),
        ("whatsapp", "accepted"),
        ("messaging", "is in the log"),
    ]
    # Its statuses are posted too.
    assert list(dict.fromkeys(step for step in said if step in steps)) == steps
    assert said.count(steps[-1]) == 2
    assert {service for service, what in said if what == "request"} >= {"caddy", "messaging", "auth"}
    assert traced["user_id"] == person.id
    for shown in (traced, on(stack, "trace", str(traced["message_ids"][1]))):
        assert words not in json.dumps(shown)
        assert person.number.lstrip("+") not in json.dumps(shown)
    assert words in on(stack, "trace", wamid, "--words")


def test_tables_have_heads(stack: Stack) -> None:
    Person(stack)
    assert on(stack, "audit", "--limit", "1").splitlines()[0].split()[:2] == ["time", "(UTC)"]
    assert "event" in on(stack, "gateway", "list").splitlines()[-1]


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("command", "usage"),
    [
        (["gateway", "list", "--help"], "usage: ./ava gateway list"),
        (["audit", "--help"], "usage: ./ava audit"),
        (["trace", "--help"], "usage: ./ava trace"),
    ],
)
def test_help_names_the_command_as_it_is_typed(tmp_path: Path, command: list[str], usage: str) -> None:
    assert usage in ava(*command, AVA_STATE_DIR=str(tmp_path)).stdout


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("command", [["gateway", "list"], ["trace", "wamid.x"], ["audit"]])
def test_without_a_stack_they_say_how_to_start_it(tmp_path: Path, command: list[str]) -> None:
    refused: Any = ava(*command, AVA_STATE_DIR=str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr.strip() == "ava: Ava is not running. Start it with: ./ava up"
