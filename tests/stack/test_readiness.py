"""What a running stack says of itself: asked live, on the ports it runs on, with every reason in words."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ava_common import schema_migrations
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack

NO_PROJECT = {
    "SUPABASE_URL": "https://no-such-project.invalid",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_0123456789",
    "SUPABASE_SECRET_KEY": "sb_secret_0123456789",
}


def ava(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command as typed in another terminal, in which AVA_PORT is not set."""
    return subprocess.run(
        [sys.executable, "-m", "ava_local", *arguments],
        env={"PATH": os.environ["PATH"], "AVA_STATE_DIR": str(folder), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
    )


@pytest.fixture(scope="module")
def stack(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = Stack(tmp_path_factory.mktemp("readiness"), free_base_port())
    with own:
        yield own
    own.delete_data()


def test_ports_are_those_of_the_running_stack(stack: Stack) -> None:
    ended = ava(stack.layout.state_dir, "status", "--json", AVA_PORT="21000")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["form"]) == (0, stack.public_url)
    assert stack.public_url in ava(stack.layout.state_dir, "up").stdout


async def test_status_asks_live_and_says_why(stack: Stack) -> None:
    newest = schema_migrations.NEEDED[-1]
    history = "supabase_migrations.schema_migrations"
    admin = await asyncpg.connect(stack.database_url())
    await admin.execute(f"update {history} set version = '1' where version = '{newest}'")  # noqa: S608
    try:
        ended = ava(stack.layout.state_dir, "status")
    finally:
        await admin.execute(f"update {history} set version = '{newest}' where version = '1'")  # noqa: S608
        await admin.close()
    assert ended.returncode == 1
    assert f"profile is not ready: database: the database lacks the migration {newest}" in ended.stdout
    assert ava(stack.layout.state_dir, "status").returncode == 0


def test_the_doctor_finds_nothing_to_refuse(stack: Stack) -> None:
    ended = ava(stack.layout.state_dir, "doctor", "--json")
    found = json.loads(ended.stdout)
    refused = [check for checks in found.values() for check in checks if check["result"] == "refused"]
    assert (ended.returncode, refused) == (0, [])
    assert {"database", "Supabase", "clock"} <= {check["name"] for check in found["auth"]}
    assert {"database", "Meta"} <= {check["name"] for check in found["whatsapp-gateway"]}
    assert "AUTH_SIGNING_KEYS" in {check["name"] for check in found["auth"]}


async def test_the_doctor_proves_isolation_with_two_accounts_and_deletes_them(stack: Stack) -> None:
    ended = ava(stack.layout.state_dir, "doctor", "--write", "--json")
    steps = json.loads(ended.stdout)["two accounts"]
    assert (ended.returncode, [step for step in steps if step["result"] != "ok"]) == (0, [])
    assert [step["name"] for step in steps][-1] == "delete both"
    admin = await asyncpg.connect(stack.database_url())
    assert await admin.fetchval("select count(*) from auth.users") == 0
    await admin.close()


def test_the_doctor_names_what_is_wrong(stack: Stack) -> None:
    wrong = {
        "SUPABASE_SECRET_KEY": "sb_secret_of-another",
        "WHATSAPP_GATEWAY_ACCESS_TOKEN": "expired-long-ago",
    }
    ended = ava(stack.layout.state_dir, "doctor", **wrong)
    assert ended.returncode == 1
    assert "✗ Supabase: Supabase refuses SUPABASE_SECRET_KEY" in ended.stdout
    assert "✗ Meta: refuses WHATSAPP_GATEWAY_ACCESS_TOKEN" in ended.stdout
    assert "sb_secret_of-another" not in ended.stdout


@pytest.mark.usefixtures("processes")
def test_the_doctor_says_what_is_away_before_the_first_start(tmp_path: Path) -> None:
    ended = ava(tmp_path, "doctor", "--json", AVA_PORT=str(free_base_port()))
    found = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert "Start it with ./ava up" in found.pop("stack")[0]["detail"]
    for service, checks in found.items():
        said = {check["name"]: check["detail"] for check in checks}
        assert "nothing listens at 127.0.0.1:" in said["database"], (service, said)
    assert "cannot be reached" in {check["name"]: check["detail"] for check in found["auth"]}["Supabase"]


@pytest.mark.usefixtures("processes")
def test_a_mistake_is_told_before_anything_starts(tmp_path: Path) -> None:
    port = str(free_base_port())
    ended = ava(tmp_path, "up", AVA_PORT=port, LOG_LEVEL="loud", WHATSAPP_GATEWAY_PHONE_NUMBER_ID="+49151")
    assert ended.returncode == 1
    assert "LOG_LEVEL: must be 'DEBUG'" in ended.stderr
    assert "WHATSAPP_GATEWAY_PHONE_NUMBER_ID: must be the number's id" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("LOG_LEVEL:") == 1
    assert list((tmp_path / "logs").iterdir()) == []


@pytest.mark.usefixtures("processes")
def test_a_project_that_is_away_is_told_by_up_and_status(tmp_path: Path) -> None:
    variables = NO_PROJECT | {"AVA_PORT": str(free_base_port())}
    stack = Stack(tmp_path, int(variables["AVA_PORT"]))
    try:
        started = ava(tmp_path, "up", "-d", **variables, SUPABASE_JWT_ISUER="a typo")
        assert started.returncode == 0, started.stderr
        words = "accounts: SUPABASE_URL (https://no-such-project.invalid) cannot be reached"
        assert f"auth is degraded: {words}" in started.stderr
        assert "SUPABASE_JWT_ISUER is not known" in started.stderr
        assert "SUPABASE_URL is set and AVA_DATABASE_ADMIN_URL is not" in started.stderr
        assert "mails" not in started.stdout
        told = ava(tmp_path, "status")
        assert told.returncode == 1
        assert f"auth is degraded: {words}" in told.stdout
    finally:
        stack.stop()
        stack.delete_data()
