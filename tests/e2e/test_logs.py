"""No log of a stack contains a secret, token, phone number, address or message.

These tests use everything themselves and read all that was logged before, so they may run first, last or
alone. What is logged after them is read when the shared stack stops; see tests/conftest.py.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ava_local.stack.control import Stack
from ava_local.stack.environment import SERVICES
from e2e import leaks
from e2e.people import AVATAR, Person, eventually, unique_text

PROCESSES = {"caddy", "supabase-auth", "whatsapp-simulator", "database-setup", "postgres", *SERVICES}


class ActivePerson(Person):
    """A user who does everything that is likely to end up in a log."""

    wrong_password = "wrong-guess-word"

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.set_up()
        self.sent_by_phone, self.sent_in_app = unique_text("unspeakable"), unique_text("unmentioned")
        self.phone.send(self.sent_by_phone)
        assert self.phone.receive()
        eventually(self.messages, lambda found: len(found) == 2)
        self.request("POST", "/messages", 201, json={"content": self.sent_in_app})
        self.request("GET", "/messages", 200, params={"text": "unspeakable"})
        self.request("POST", "/auth/login", 401, json={"email": self.email, "password": self.wrong_password})
        self.request("POST", "/auth/recover", 202, json={"email": self.email})
        self.request("PUT", "/profile/preferences/whatsapp", 422, json={"phone": f"{self.number} ext"})
        outbox = httpx.get(
            f"{stack.url('supabase-auth')}/outbox", params={"to": self.email}, timeout=60, trust_env=False
        )
        self.mailed = str(outbox.json()["mails"][0]["token_hash"])
        session = {"email": self.email, "password": self.password}
        self.refresh_token = str(self.request("POST", "/auth/login", 200, json=session)["refresh_token"])

    @property
    def secrets(self) -> dict[str, str]:
        """What the stack received from this user or sent to them."""
        return {
            "e-mail address": self.email,
            "password": self.password,
            "phone number": self.number.lstrip("+"),
            "access token": self.token,
            "refresh token": self.refresh_token,
            "mailed link": self.mailed,
            "message by phone": self.sent_by_phone,
            "message in the app": self.sent_in_app,
            "looks": str(AVATAR["physical_description"]),
        }


@pytest.fixture(scope="module")
def person(stack: Stack) -> ActivePerson:
    return ActivePerson(stack)


def test_no_log_contains_a_secret(stack: Stack, person: ActivePerson) -> None:
    assert {file.stem for file in stack.layout.logs_dir.iterdir()} >= PROCESSES
    for service in SERVICES:
        assert '"event":"request"' in stack.log_text(service).replace('": "', '":"'), service
    more = (person.wrong_password, "unspeakable", *person.secrets.values())
    assert leaks.secrets_found(stack, *more) == {}


@pytest.fixture
def planted(stack: Stack) -> Iterator[Path]:
    """One more log beside those of the stack."""
    file = stack.layout.logs_dir / "planted.log"
    yield file
    file.unlink()


@pytest.mark.parametrize("what", ["password", "phone number", "message by phone", "refresh token"])
def test_a_log_with_a_secret_is_found(stack: Stack, person: ActivePerson, planted: Path, what: str) -> None:
    planted.write_text(f'{{"event":"request","note":"{person.secrets[what]}"}}\n')
    assert set(leaks.secrets_found(stack)) == {"planted.log"}


def test_all_secrets_of_a_user_are_searched_for(stack: Stack, person: ActivePerson) -> None:
    """The search asks the stack for its secrets; no test passes them on."""
    known = leaks.stack_secrets(stack)
    missed = [what for what, secret in person.secrets.items() if not leaks.secrets_in(f"> {secret} <", known)]
    assert missed == []


def test_the_secrets_of_a_deleted_account_are_still_searched_for(stack: Stack) -> None:
    leaving = ActivePerson(stack)
    leaving.request("DELETE", "/auth/account", 204, json={"password": leaving.password})
    known = leaks.stack_secrets(stack)
    for what in ("e-mail address", "password", "phone number", "access token", "message by phone"):
        assert leaks.secrets_in(f"> {leaving.secrets[what]} <", known), what
