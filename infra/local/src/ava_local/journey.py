"""The life of a person with Ava, played over HTTP through Caddy, step by step."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from ava_local.handle import HouseDown
from ava_local.telephone import Telephone
from ava_local.trouble import Disturbed

AVATAR = {
    "name": "Ava",
    "age": 27,
    "personality": "warm",
    "physical_description": "Short dark hair, a green coat, and a laugh one hears before seeing her.",
}


class NotAsItShouldBe(Exception):
    """A step went another way than the journey tells."""


@dataclass(frozen=True)
class Step:
    """What was tried; `problem` is None when it went as it should."""

    title: str
    problem: str | None
    seconds: float


class Person:
    """Somebody at the form: an account, and a token after logging in."""

    def __init__(self, address: str, name: str) -> None:
        self.email = f"{name}-{secrets.token_hex(6)}@example.org"
        self.password = f"quiet-harbour-{secrets.token_hex(8)}"
        self._client = httpx.Client(base_url=address, timeout=20, trust_env=False)

    def ask(self, method: str, path: str, expected: int, **what: Any) -> Any:
        """The answer's JSON; raises NotAsItShouldBe for another status than expected."""
        answer = self._client.request(method, path, **what)
        if answer.status_code != expected:
            raise NotAsItShouldBe(
                f"{method} {path}: {answer.status_code} instead of {expected}: {answer.text[:300]}"
            )
        return answer.json() if answer.content else None

    def sign_up(self) -> None:
        self.ask("POST", "/auth/signup", 202, json={"email": self.email, "password": self.password})

    def log_in(self) -> None:
        tokens = self.ask("POST", "/auth/login", 200, json={"email": self.email, "password": self.password})
        self._client.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/messages?order=oldest", 200)["messages"]
        return found


class Journey:
    """Two people, two phones, one house; `form` and `simulator` are its addresses."""

    def __init__(self, form: str, simulator: str) -> None:
        self.first, self.second = Person(form, "first"), Person(form, "second")
        self.number, stranger = some_number(), some_number()
        self.phone, self.strangers_phone = Telephone(simulator, self.number), Telephone(simulator, stranger)
        self.text = f"hello, this is {secrets.token_hex(3)}"

    def play(self) -> Iterator[Step]:
        """Each step as it ends; nothing after the first that went wrong, for it all builds on it."""
        for title, act in self.steps():
            began, problem = time.monotonic(), None
            try:
                act()
            except (NotAsItShouldBe, Disturbed, HouseDown, httpx.HTTPError) as error:
                problem = str(error) or type(error).__name__
            yield Step(title, problem, round(time.monotonic() - began, 3))
            if problem:
                return

    def steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("two people sign up", self.sign_up),
            ("both log in", self.log_in),
            ("the first creates her avatar", self.create_avatar),
            (f"the first links {self.number}", self.link),
            ("her message log is empty", self.log_is_empty),
            ("she writes from that phone and the echo comes back", self.write),
            ("both turns stand in her log", self.both_turns),
            ("an unlinked number gets a polite answer", self.stranger_writes),
            ("and leaves nothing in any log", self.nothing_of_the_stranger),
            ("the second person sees nothing of the first", self.second_sees_nothing),
        ]

    def sign_up(self) -> None:
        self.first.sign_up()
        self.second.sign_up()

    def log_in(self) -> None:
        self.first.log_in()
        self.second.log_in()

    def create_avatar(self) -> None:
        self.first.ask("GET", "/profile/avatar", 404)
        self.first.ask("PUT", "/profile/avatar", 201, json=AVATAR)
        kept = self.first.ask("GET", "/profile/avatar", 200)
        expect({key: kept[key] for key in AVATAR} == AVATAR, f"another avatar came back: {kept}")

    def link(self) -> None:
        self.first.ask("PUT", "/profile/preferences/whatsapp", 200, json={"phone": self.number})
        kept = self.first.ask("GET", "/profile/preferences", 200)["whatsapp_phone"]
        expect(kept == self.number, f"the number kept is {kept}")

    def log_is_empty(self) -> None:
        expect(self.first.messages() == [], "there are messages already")

    def write(self) -> None:
        self.phone.write(self.text)
        heard = self.phone.hear()
        expect(heard and self.text in heard[0], f"the phone got {heard or 'nothing'}")

    def both_turns(self) -> None:
        """The answer's own row may come a moment after the answer."""
        turns = eventually(self.first.messages, lambda found: len(found) >= 2)
        kinds = [(turn["channel"], turn["role"]) for turn in turns]
        expect(kinds == [("whatsapp", "user"), ("whatsapp", "assistant")], f"the log holds {kinds}")
        expect(turns[0]["content"] == self.text, f"she wrote {turns[0]['content']!r}")
        expect(self.text in turns[1]["content"], f"the answer is {turns[1]['content']!r}")

    def stranger_writes(self) -> None:
        self.strangers_phone.write("who is there?")
        heard = self.strangers_phone.hear()
        expect(len(heard) == 1 and "who is there?" not in heard[0], f"the stranger got {heard or 'nothing'}")

    def nothing_of_the_stranger(self) -> None:
        expect(len(self.first.messages()) == 2, "the first person's log grew")
        expect(self.second.messages() == [], "the second person's log is not empty")

    def second_sees_nothing(self) -> None:
        self.second.ask("GET", "/profile/avatar", 404)
        expect(
            self.second.ask("GET", "/profile/preferences", 200)["whatsapp_phone"] is None,
            "a number is linked",
        )
        for turn in self.first.messages():
            self.second.ask("GET", f"/messages/{turn['id']}", 404)
        self.second.ask("PUT", "/profile/preferences/whatsapp", 409, json={"phone": self.number})


def expect(fine: object, otherwise: str) -> None:
    if not fine:
        raise NotAsItShouldBe(otherwise)


def eventually(ask: Callable[[], Any], fine: Callable[[Any], bool], within: float = 30.0) -> Any:
    """The first answer that is fine, or the last one there was."""
    deadline = time.monotonic() + within
    while not fine(found := ask()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def some_number() -> str:
    """A German mobile number nobody used before, most likely."""
    return f"+491511{secrets.randbelow(10**7):07d}"
