"""What a stack writes down: never a secret, a token, a phone, an address or words.

The tests live loudly themselves and read whatever was logged before, so they may run first, last or alone.
What is logged after them is read when the shared stack goes down, see tests/conftest.py.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ava_local.environment import ROOMS
from ava_local.handle import House
from e2e import leaks
from e2e.people import AVATAR, Somebody, eventually, words

PROCESSES = {"caddy", "supabase-auth", "whatsapp-simulator", "database", "postgres", *ROOMS}


class Loud(Somebody):
    """A person who does all that is likely to end up in a log."""

    guess = "wrong-guess-word"

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.settle_in()
        self.on_the_phone, self.in_the_app = words("unspeakable"), words("untold")
        self.phone.write(self.on_the_phone)
        assert self.phone.hear()
        eventually(self.messages, lambda found: len(found) == 2)
        self.ask("POST", "/messages", 201, json={"content": self.in_the_app})
        self.ask("GET", "/messages", 200, params={"text": "unspeakable"})
        self.ask("POST", "/auth/login", 401, json={"email": self.email, "password": self.guess})
        self.ask("POST", "/auth/recover", 202, json={"email": self.email})
        self.ask("PUT", "/profile/preferences/whatsapp", 422, json={"phone": f"{self.number} ext"})
        outbox = httpx.get(f"{house.url('supabase-auth')}/outbox", params={"to": self.email}, timeout=30)
        self.mailed = str(outbox.json()["mails"][0]["token_hash"])
        session = {"email": self.email, "password": self.password}
        self.refresh_token = str(self.ask("POST", "/auth/login", 200, json=session)["refresh_token"])

    @property
    def secrets(self) -> dict[str, str]:
        """What the stack knows or keeps of this person."""
        return {
            "e-mail address": self.email,
            "password": self.password,
            "phone number": self.number.lstrip("+"),
            "access token": self.token,
            "refresh token": self.refresh_token,
            "mailed link": self.mailed,
            "message on the phone": self.on_the_phone,
            "message in the app": self.in_the_app,
            "looks": str(AVATAR["physical_description"]),
        }


@pytest.fixture(scope="module")
def loud(house: House) -> Loud:
    return Loud(house)


def test_no_log_tells_on_anybody(house: House, loud: Loud) -> None:
    assert {file.stem for file in house.places.logs.iterdir()} >= PROCESSES
    for room in ROOMS:
        assert '"event":"request"' in house.log(room).replace('": "', '":"'), room
    assert leaks.told(house, loud.guess, "unspeakable", *loud.secrets.values()) == {}


@pytest.fixture
def planted(house: House) -> Iterator[Path]:
    """One more log beside those of the stack."""
    file = house.places.logs / "planted.log"
    yield file
    file.unlink()


@pytest.mark.parametrize("what", ["password", "phone number", "message on the phone", "refresh token"])
def test_a_log_that_tells_is_found_out(house: House, loud: Loud, planted: Path, what: str) -> None:
    planted.write_text(f'{{"event":"request","note":"{loud.secrets[what]}"}}\n')
    assert set(leaks.told(house)) == {"planted.log"}


def test_whatever_anybody_typed_or_got_is_looked_for(house: House, loud: Loud) -> None:
    """No test tells the search what its secrets are: it asks the stack."""
    known = leaks.everything_secret(house)
    missed = [what for what, secret in loud.secrets.items() if not leaks.told_in(f"> {secret} <", known)]
    assert missed == []


def test_what_a_person_who_left_typed_is_looked_for_still(house: House) -> None:
    leaving = Loud(house)
    leaving.ask("DELETE", "/auth/account", 204, json={"password": leaving.password})
    known = leaks.everything_secret(house)
    for what in ("e-mail address", "password", "phone number", "access token", "message on the phone"):
        assert leaks.told_in(f"> {leaving.secrets[what]} <", known), what
