"""./ava backup and restore: accounts log in, messages stand, the queue goes on, nobody is answered twice."""

import asyncio
import gzip
import io
import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from ava_local.demo.phone_client import PhoneClient
from ava_local.demo.user_journey import DemoUser, random_phone_number
from ava_local.ports import free_base_port
from ava_local.postgres.cluster import SUPERUSER
from ava_local.postgres.server_binaries import installed_binaries
from ava_local.stack import backup
from ava_local.stack.backup import BackupFailed
from ava_local.stack.control import Stack
from ava_local.stack.instance_lock import AlreadyRunning
from ava_local.testing.databases import Database, migrated_template, temporary_cluster
from ava_local.testing.waiting import eventually


@pytest.fixture
def stack(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("saved_stack"), free_base_port())
    try:
        yield made
    finally:
        made.stop()
        made.delete_data()


async def event_states(stack: Stack) -> dict[str, str]:
    """The state of each message by its words."""
    connection = await asyncpg.connect(stack.database_url())
    try:
        rows = await connection.fetch("select words, state from whatsapp.events order by id")
    finally:
        await connection.close()
    return {row["words"]: row["state"] for row in rows}


def sends_made(stack: Stack) -> int:
    """Calls to the Graph API since the simulator started."""
    return int(httpx.get(f"{stack.simulator_url}/simulator/tally").json()["sends"])


def restore_by_script(database: Database, file: Path) -> None:
    variables = {
        "PATH": f"{installed_binaries(18)}:{os.environ['PATH']}",
        "ADMIN_DATABASE_URL": database.url("postgres"),
    }
    subprocess.run([backup.SCRIPT, "restore", file], env=variables, check=True)


def linked_user(stack: Stack, number: str) -> DemoUser:
    user = DemoUser(stack.url("caddy"), "saved")
    user.sign_up()
    user.log_in()
    user.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": number})
    return user


async def test_a_lost_stack_comes_back_and_nobody_is_answered_twice(stack: Stack, tmp_path: Path) -> None:
    file, number = tmp_path / "ava.backup", random_phone_number()

    async def is_waiting() -> bool:
        return (await event_states(stack)).get("waiting") == "ready"

    async def is_answered() -> bool:
        return (await event_states(stack)).get("waiting") == "done"

    stack.start()
    user = linked_user(stack, number)
    phone = PhoneClient(stack.simulator_url, number)
    phone.send("before")
    assert phone.receive()
    stack.disable("messaging")
    phone.send("waiting")
    await eventually(is_waiting)
    backup.save(stack.layout, file)  # while everything runs
    stack.enable("messaging")
    await eventually(is_answered)

    stack.stop()
    stack.delete_data()
    await asyncio.to_thread(backup.restore, stack.layout, file)
    stack.start()
    user.log_in()
    assert [message["content"] for message in user.messages()][:1] == ["before"]
    phone = PhoneClient(stack.simulator_url, number)
    phone.send("after")
    [answer] = phone.receive()
    assert "after" in answer

    async def only_the_new_one_was_answered() -> bool:
        expected = {"before": "done", "waiting": "quarantined", "after": "done"}
        return await event_states(stack) == expected

    await eventually(only_the_new_one_was_answered)

    stack.stop()
    await asyncio.to_thread(backup.restore, stack.layout, file, resume=True)
    stack.start()
    await eventually(is_answered)
    # The simulator forgot that this phone wrote, and with it the 24 hours: it accepts and does not deliver.
    assert sends_made(stack) == 1
    # In no order: WhatsApp's time has whole seconds, and ours has more.
    assert Counter(message["role"] for message in user.messages()) == {"user": 2, "assistant": 2}


def test_a_restore_is_refused_while_ava_runs_and_for_what_is_not_a_backup(
    stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "ava.backup"
    with pytest.raises(BackupFailed, match="nothing to save"):
        backup.save(stack.layout, file)
    stack.start()
    user = DemoUser(stack.url("caddy"), "kept")
    user.sign_up()
    backup.save(stack.layout, file)
    with pytest.raises(AlreadyRunning):
        backup.restore(stack.layout, file)
    stack.stop()
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(BackupFailed):
        backup.restore(stack.layout, file)
    with pytest.raises(BackupFailed, match="cannot read"):
        backup.restore(stack.layout, tmp_path / "missing")
    stack.start()
    user.log_in()


async def test_a_local_stack_moves_to_another_database_with_its_accounts(
    stack: Stack, tmp_path: Path
) -> None:
    """As to hosted Supabase: `postgres` restores, which is not a superuser; then a stack without its own."""
    file, number = tmp_path / "ava.backup", random_phone_number()
    stack.start()
    user = linked_user(stack, number)
    phone = PhoneClient(stack.simulator_url, number)
    phone.send("before")
    assert phone.receive()
    backup.save(stack.layout, file)
    stack.stop()
    with temporary_cluster() as server:
        moved_to = await migrated_template(server)
        await asyncio.to_thread(restore_by_script, moved_to, file)
        external = {"AVA_DATABASE_ADMIN_URL": moved_to.url(SUPERUSER)}
        moved = Stack(tmp_path / "moved", stack.layout.base_port, external)
        with moved:
            user.log_in()
            assert [message["content"] for message in user.messages()][:1] == ["before"]
            phone = PhoneClient(moved.simulator_url, number)
            phone.send("after")
            assert phone.receive()
        moved.delete_data()


def test_a_file_that_is_no_backup_stops_nothing(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a backup")
    state = {"AVA_STATE_DIR": str(stack.layout.state_dir), "AVA_PORT": str(stack.layout.base_port)}
    with stack:
        for name in ("notes", "typo", "."):
            command = [sys.executable, "-m", "ava_local", "restore", "--yes", str(tmp_path / name)]
            done = subprocess.run(command, capture_output=True, text=True, env=os.environ | state)
            assert done.returncode == 1
            assert "cannot read" in done.stderr, done.stderr
        assert stack.status()


@pytest.mark.parametrize("is_cut", [True, False])
def test_an_archive_that_cannot_be_read_is_told(tmp_path: Path, is_cut: bool) -> None:
    """Cut off, or with secrets that are not text."""
    made, secrets = io.BytesIO(), os.urandom(100_000)
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo("secrets.json")
        member.size = len(secrets)
        archive.addfile(member, io.BytesIO(secrets))
    packed = gzip.compress(made.getvalue())
    (tmp_path / "file").write_bytes(packed[: len(packed) // 2] if is_cut else packed)
    with pytest.raises(BackupFailed, match="cannot read"):
        backup.private_files(tmp_path / "file")


def test_the_commands_are_listed(processes: None) -> None:
    done = subprocess.run([sys.executable, "-m", "ava_local", "--help"], capture_output=True, text=True)
    assert "backup" in done.stdout
    assert "restore" in done.stdout
