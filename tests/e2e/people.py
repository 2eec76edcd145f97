"""People and their phones at a real house."""

import secrets
from typing import Any

import httpx

from ava_local.demo.phone_client import PhoneClient
from ava_local.demo.user_journey import AVATAR, DemoUser, eventually, random_phone_number
from ava_local.stack.control import Stack

__all__ = ["AVATAR", "SECRETS", "Somebody", "eventually"]

SECRETS: set[str] = set()
"""What this run's tests typed and no log may tell, for the test that comes last."""


class Somebody(DemoUser):
    """A person with an account, signed in, and a phone that is not linked yet."""

    def __init__(self, house: Stack) -> None:
        super().__init__(house.public_url, "somebody")
        self.number = random_phone_number()
        self.phone = PhoneClient(house.simulator_url, self.number)
        self.http = self._client
        SECRETS.update((self.email, self.password, self.number.lstrip("+")))
        self.sign_up()
        self.log_in()

    def log_in(self) -> None:
        super().log_in()
        SECRETS.add(self.token)

    @property
    def token(self) -> str:
        return self.http.headers["Authorization"].removeprefix("Bearer ")

    @property
    def id(self) -> str:
        found: str = self.request("GET", "/auth/me", 200)["id"]
        return found

    def link(self) -> "Somebody":
        self.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": self.number})
        return self

    def settle_in(self) -> "Somebody":
        """Avatar and linked number: ready to write."""
        self.request("PUT", "/profile/avatar", 201, json=AVATAR)
        return self.link()

    def everything(self) -> Any:
        """All that is kept of this person, to compare before and after."""
        avatar = self.http.get("/profile/avatar")
        preferences = self.request("GET", "/profile/preferences", 200)
        return avatar.json() if avatar.status_code == 200 else None, preferences, self.messages()


def words(text: str = "hello") -> str:
    """A text that nobody else wrote."""
    said = f"{text} {secrets.token_hex(4)}"
    SECRETS.add(said)
    return said


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, checked for what each must have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"].startswith("urn:ava:problem:")
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["instance"].startswith("urn:ava:request:")
    return document
