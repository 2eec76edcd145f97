"""The user journey of `./ava demo`: two users and two phones, step by step over HTTP through Caddy."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from ava_local.demo.phone_client import PhoneClient
from ava_local.expected_error import ExpectedError

AVATAR = {
    "name": "Ava",
    "age": 27,
    "personality": "warm",
    "physical_description": "Short dark hair, a green coat, and a laugh you hear before you see her.",
}


class StepFailed(Exception):
    """A step had another result than expected."""


@dataclass(frozen=True)
class Step:
    """The result of one step; `problem` is None if it passed."""

    title: str
    problem: str | None
    seconds: float


class DemoUser:
    """A user of the web form: an account and, after logging in, a token."""

    def __init__(self, url: str, name: str) -> None:
        self.email = f"{name}-{secrets.token_hex(6)}@example.org"
        self.password = f"quiet-harbour-{secrets.token_hex(8)}"
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def request(self, method: str, path: str, expected: int, **options: Any) -> Any:
        """The JSON of the response. Raises StepFailed for any other status than expected."""
        response = self._client.request(method, path, **options)
        if response.status_code != expected:
            raise StepFailed(
                f"{method} {path}: expected {expected}, got {response.status_code}: {response.text[:300]}"
            )
        return response.json() if response.content else None

    def sign_up(self) -> None:
        self.request("POST", "/auth/signup", 202, json={"email": self.email, "password": self.password})

    def log_in(self) -> None:
        tokens = self.request(
            "POST", "/auth/login", 200, json={"email": self.email, "password": self.password}
        )
        self._client.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    @property
    def authorization(self) -> str:
        """The header of a user who has logged in."""
        return str(self._client.headers.get("Authorization", ""))

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.request("GET", "/messages?order=oldest", 200)["messages"]
        return found


class UserJourney:
    """Two users and two phones; the second phone's number is not linked to any account."""

    def __init__(self, public_url: str, simulator_url: str) -> None:
        self.first, self.second = DemoUser(public_url, "first"), DemoUser(public_url, "second")
        self.number, unlinked_number = random_phone_number(), random_phone_number()
        self.phone, self.unlinked_phone = (
            PhoneClient(simulator_url, self.number),
            PhoneClient(simulator_url, unlinked_number),
        )
        self.text = f"hello, this is {secrets.token_hex(3)}"

    def run(self) -> Iterator[Step]:
        """Yield each step when it is done; stop after the first that fails, as the others depend on it."""
        for title, act in self.steps():
            began, problem = time.monotonic(), None
            try:
                act()
            except (StepFailed, ExpectedError, httpx.HTTPError) as error:
                problem = str(error) or type(error).__name__
            yield Step(title, problem, round(time.monotonic() - began, 3))
            if problem:
                return

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("two users sign up", self.sign_up),
            ("both log in", self.log_in),
            ("the first creates an avatar", self.create_avatar),
            (f"the first links {self.number}", self.link),
            ("the message log is empty", self.log_is_empty),
            ("a message sent from that phone is echoed back", self.send),
            ("both messages are in the log", self.both_messages_logged),
            ("an unlinked number gets a polite reply", self.unlinked_number_writes),
            ("and leaves no trace in any message log", self.unlinked_number_left_nothing),
            ("the second user sees nothing of the first", self.second_sees_nothing),
        ]

    def sign_up(self) -> None:
        self.first.sign_up()
        self.second.sign_up()

    def log_in(self) -> None:
        self.first.log_in()
        self.second.log_in()

    def create_avatar(self) -> None:
        self.first.request("GET", "/profile/avatar", 404)
        self.first.request("PUT", "/profile/avatar", 201, json=AVATAR)
        avatar = self.first.request("GET", "/profile/avatar", 200)
        require({key: avatar[key] for key in AVATAR} == AVATAR, f"unexpected avatar: {avatar}")

    def link(self) -> None:
        self.first.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": self.number})
        number = self.first.request("GET", "/profile/preferences", 200)["whatsapp_phone"]
        require(number == self.number, f"the stored number is {number}")

    def log_is_empty(self) -> None:
        require(self.first.messages() == [], "the log already contains messages")

    def send(self) -> None:
        self.phone.send(self.text)
        received = self.phone.receive()
        require(received and self.text in received[0], f"the phone received {received or 'nothing'}")

    def both_messages_logged(self) -> None:
        """The reply may be logged a moment after it was received."""
        messages = eventually(self.first.messages, lambda found: len(found) >= 2)
        kinds = [(message["channel"], message["role"]) for message in messages]
        require(kinds == [("whatsapp", "user"), ("whatsapp", "assistant")], f"the log contains {kinds}")
        require(messages[0]["content"] == self.text, f"the logged message is {messages[0]['content']!r}")
        require(self.text in messages[1]["content"], f"the logged reply is {messages[1]['content']!r}")

    def unlinked_number_writes(self) -> None:
        self.unlinked_phone.send("who is there?")
        received = self.unlinked_phone.receive()
        require(
            len(received) == 1 and "who is there?" not in received[0],
            f"the unlinked phone received {received or 'nothing'}",
        )

    def unlinked_number_left_nothing(self) -> None:
        require(len(self.first.messages()) == 2, "the first user's log grew")
        require(self.second.messages() == [], "the second user's log is not empty")

    def second_sees_nothing(self) -> None:
        self.second.request("GET", "/profile/avatar", 404)
        require(
            self.second.request("GET", "/profile/preferences", 200)["whatsapp_phone"] is None,
            "the second user has a linked number",
        )
        for message in self.first.messages():
            self.second.request("GET", f"/messages/{message['id']}", 404)
        self.second.request("PUT", "/profile/preferences/whatsapp", 409, json={"phone": self.number})


def require(condition: object, problem: str) -> None:
    if not condition:
        raise StepFailed(problem)


def eventually(ask: Callable[[], Any], is_good: Callable[[Any], bool], timeout: float = 30.0) -> Any:
    """The first result that is good, or the last one before the timeout."""
    deadline = time.monotonic() + timeout
    while not is_good(found := ask()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def random_phone_number() -> str:
    """A German mobile number, most likely unused."""
    return f"+491511{secrets.randbelow(10**7):07d}"
