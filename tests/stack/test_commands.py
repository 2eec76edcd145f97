"""The commands of `./ava` on a running stack: what they print for people, and with --json for programs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ava_local.demo.user_journey import DemoUser, random_phone_number
from ava_local.stack.control import Stack

AVA = (sys.executable, "-m", "ava_local")


def variables(stack: Stack) -> dict[str, str]:
    chosen = {"AVA_STATE_DIR": str(stack.layout.state_dir), "AVA_PORT": str(stack.layout.base_port)}
    return {"PATH": os.environ["PATH"], **chosen}


def ava(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as typed in another terminal."""
    return subprocess.run(
        [*AVA, *arguments],
        env=variables(stack),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_env_names_what_a_client_needs(stack: Stack) -> None:
    found = json.loads(ava(stack, "env", "--json").stdout)
    assert found["AVA_URL"] == stack.public_url
    for name in ("AVA_OPENAPI_URL", "AVA_DOCS_URL", "AVA_PHONE_URL", "AVA_MAILS_URL"):
        assert httpx.get(found[name], timeout=60).status_code == 200, name
    lines = ava(stack, "env").stdout.splitlines()
    assert f"AVA_URL='{stack.public_url}'" in lines
    assert len(lines) == len(found)
    assert "sb_" not in "".join(lines), "no keys"


def test_a_service_is_restarted_by_name(stack: Stack) -> None:
    before = stack.pid("messaging")
    done = json.loads(ava(stack, "restart", "messaging", "--json").stdout)
    assert (done["process"], done["ready"]) == ("messaging", True)
    assert stack.pid("messaging") != before
    wrong = ava(stack, "restart", "mesaging")
    assert wrong.returncode == 1
    assert "messaging, whatsapp-gateway" in wrong.stderr


def test_a_message_of_a_number_that_no_one_linked_is_said_to_be_held(stack: Stack) -> None:
    number = random_phone_number()
    first = ava(stack, "phone", number, "hello")
    assert first.returncode == 0, "the notice is a reply"
    second = ava(stack, "phone", number, "hello again", "--wait", "60", "--json")
    told = json.loads(second.stdout)
    assert (second.returncode, told["held"], told["answers"]) == (1, True, [])
    assert told["seconds"] < 60
    third = ava(stack, "phone", number, "and again")
    assert f"{number} is not linked. Link it at {stack.public_url}" in third.stderr.replace("\n", " ")


def test_an_operators_command_is_named_as_it_was_typed(stack: Stack) -> None:
    assert ava(stack, "audit", "--help").stdout.startswith("usage: ./ava audit ")
    wrong = ava(stack, "audit", "--since", "yesterday").stderr
    assert "./ava audit: error: argument --since: use 30m, 12h or 7d" in wrong


def test_the_audit_log_has_a_head(stack: Stack) -> None:
    user = DemoUser(stack.url("caddy"), "audited")
    user.sign_up()
    user.log_in()
    head, row, *_ = ava(stack, "audit", "--limit", "1").stdout.splitlines()
    assert head.split() == ["time", "(UTC)", "event", "who", "network", "more"]
    assert head.index("event") == re.search(r"[a-z]+\.[a-z]", row).start()  # type: ignore[union-attr]


@pytest.mark.parametrize("command", ["logs -n 500", "audit", "logs --json -n 500"])
def test_a_reader_that_leaves_early_is_no_error(stack: Stack, command: str) -> None:
    for number in range(20):
        httpx.get(f"{stack.public_url}/messages?limit={number}", timeout=60)
    shell = f"{' '.join(AVA)} {command} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", shell], env=variables(stack), capture_output=True, text=True, timeout=100
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_logs_are_merged_by_time(stack: Stack) -> None:
    httpx.get(f"{stack.public_url}/profile/personalities", timeout=60)
    records = [json.loads(line) for line in ava(stack, "logs", "--json").stdout.splitlines()]
    assert {"auth", "caddy", "profile"} <= {record["process"] for record in records}
    times = [record["timestamp"] for record in records if "timestamp" in record]
    assert times == sorted(times)
    readable = ava(stack, "logs", "profile").stdout.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} profile +request method=GET route=.+", readable[-1])


def test_up_and_down_tell_programs_too(stack: Stack, tmp_path: Path) -> None:
    already = json.loads(ava(stack, "up", "--json").stdout)
    assert (already["up"], already["form"]) == (True, stack.public_url)
    nothing = {**variables(stack), "AVA_STATE_DIR": str(tmp_path / "none")}
    for command, told in (("down", {"up": False, "stopped": False}), ("reset -y", {"up": False})):
        done = subprocess.run(
            [*AVA, *command.split(), "--json"], env=nothing, capture_output=True, text=True, timeout=100
        )
        assert told.items() <= json.loads(done.stdout).items(), command


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_knows_commands_options_and_processes(stack: Stack, shell: str) -> None:
    script = ava(stack, "completion", shell).stdout
    assert ("bashcompinit" in script) == (shell == "zsh")
    asked = """
    complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ava; echo "${COMPREPLY[@]}"; }
    complete_words ./ava re; complete_words ./ava logs whats; complete_words ./ava up --re
    """
    source = "\n".join(line for line in script.splitlines() if "bashcompinit" not in line)
    done = subprocess.run(["bash", "-c", source + asked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "restart reset restore",
        "whatsapp-simulator whatsapp-gateway",
        "--reload",
    ]
