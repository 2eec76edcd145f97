"""Users and their phones, on a real stack."""

import secrets
from typing import Any, Protocol

import httpx

from ava_local.demo.phone_client import PhoneClient
from ava_local.demo.user_journey import AVATAR, DemoUser, eventually, random_phone_number

__all__ = ["AVATAR", "Person", "eventually"]


class Reachable(Protocol):
    """Where a stack's edge proxy and WhatsApp simulator are."""

    @property
    def public_url(self) -> str: ...

    @property
    def simulator_url(self) -> str: ...


class Person(DemoUser):
    """A user with an account, logged in, and a phone that is not linked yet."""

    def __init__(self, stack: Reachable) -> None:
        super().__init__(stack.public_url, "person")
        self.number = random_phone_number()
        self.phone = PhoneClient(stack.simulator_url, self.number)
        self.http = self._client
        self.sign_up()
        self.log_in()

    @property
    def token(self) -> str:
        return self.http.headers["Authorization"].removeprefix("Bearer ")

    @property
    def id(self) -> str:
        found: str = self.request("GET", "/auth/me", 200)["id"]
        return found

    def link(self) -> "Person":
        self.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": self.number})
        return self

    def set_up(self) -> "Person":
        """Create an avatar and link the number: ready to send messages."""
        self.request("PUT", "/profile/avatar", 201, json=AVATAR)
        return self.link()

    def everything(self) -> Any:
        """Everything stored about this user, to compare before and after."""
        avatar = self.http.get("/profile/avatar")
        preferences = self.request("GET", "/profile/preferences", 200)
        return avatar.json() if avatar.status_code == 200 else None, preferences, self.messages()


def unique_text(text: str = "hello") -> str:
    """A text that is unique in this run."""
    return f"{text} {secrets.token_hex(4)}"


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of a response, checked for its required fields."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"].startswith("urn:ava:problem:")
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["instance"].startswith("urn:ava:request:")
    return document
