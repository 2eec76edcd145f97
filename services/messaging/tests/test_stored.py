"""`python -m ava_messaging stored`: which messages are in a user's log, without words unless asked."""

import json
import os
import subprocess
import sys
from typing import Any
from uuid import UUID, uuid4

import pytest

from ava_local.testing.databases import Database

from .conftest import FillLog


def stored(database: Database, user: UUID, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit status and the lines, as an operator sees them."""
    done = subprocess.run(
        [sys.executable, "-m", "ava_messaging", "stored", "--user", str(user), *arguments],
        env={**os.environ, "MESSAGING_DATABASE_URL": database.url("ava_messaging")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
async def message(database: Database, fill_log: FillLog) -> tuple[UUID, UUID]:
    """A user, and the id of a message in their log."""
    user = await database.person()
    await fill_log(user, [(1, "whatsapp", "assistant", "a secret word")])
    (row,) = await database.admin("select id from public.messages")
    return user, row["id"]


async def test_it_says_which_are_in_the_log(database: Database, message: tuple[UUID, UUID]) -> None:
    user, known = message
    unknown = uuid4()
    status, (found, missing) = stored(database, user, str(known), str(unknown))
    assert status == 1
    assert (found["event"], found["message"], found["role"]) == ("is in the log", str(known), "assistant")
    assert (missing["event"], missing["message"]) == ("is not in the log", str(unknown))
    assert stored(database, user, str(known))[0] == 0


async def test_words_are_told_only_when_asked(database: Database, message: tuple[UUID, UUID]) -> None:
    user, known = message
    assert "secret" not in json.dumps(stored(database, user, str(known)))
    assert stored(database, user, str(known), "--words")[1][0]["content"] == "a secret word"


async def test_a_message_of_another_user_is_not_found(database: Database, message: tuple[UUID, UUID]) -> None:
    status, (line,) = stored(database, await database.person(), str(message[1]), "--words")
    assert (status, line["event"]) == (1, "is not in the log")
    assert "secret" not in json.dumps(line)
