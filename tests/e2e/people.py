"""People and their phones at a real house."""

import secrets
from typing import Any

import httpx

from ava_local.handle import House
from ava_local.journey import AVATAR, Person, eventually, some_number
from ava_local.telephone import Telephone

__all__ = ["AVATAR", "Somebody", "eventually"]


class Somebody(Person):
    """A person with an account, signed in, and a phone that is not linked yet."""

    def __init__(self, house: House) -> None:
        super().__init__(house.form, "somebody")
        self.number = some_number()
        self.phone = Telephone(house.phone, self.number)
        self.http = self._client
        self.sign_up()
        self.log_in()

    @property
    def token(self) -> str:
        return self.http.headers["Authorization"].removeprefix("Bearer ")

    @property
    def id(self) -> str:
        found: str = self.ask("GET", "/auth/me", 200)["id"]
        return found

    def link(self) -> "Somebody":
        self.ask("PUT", "/profile/preferences/whatsapp", 200, json={"phone": self.number})
        return self

    def settle_in(self) -> "Somebody":
        """Avatar and linked number: ready to write."""
        self.ask("PUT", "/profile/avatar", 201, json=AVATAR)
        return self.link()

    def everything(self) -> Any:
        """All that is kept of this person, to compare before and after."""
        avatar = self.http.get("/profile/avatar")
        preferences = self.ask("GET", "/profile/preferences", 200)
        return avatar.json() if avatar.status_code == 200 else None, preferences, self.messages()


def words(text: str = "hello") -> str:
    """A text that nobody else wrote."""
    return f"{text} {secrets.token_hex(4)}"


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
