"""People who use Ava while it is being deployed, and the account of what became of their requests."""

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import httpx

from ava_local.demo.user_journey import AVATAR, DemoUser, random_phone_number
from deploy.outside import Outside

FINE: dict[str, list[str]] = {"failed": [], "lost": [], "doubled": []}
"""The account when nobody noticed anything."""

MIX = ("list", "avatar", "append", "list", "replace", "phone", "list", "append", "avatar", "form")
SETTLE_SECONDS = 90.0
SENDS = """
select body, state, state in ('sending', 'unknown', 'unresolved')
  and changed_at < clock_timestamp() - interval '35 seconds' as is_question
from whatsapp.outbox where state <> 'accepted'
"""
"""Questions are what a gateway was sending when it was killed before it called Meta. Decision 0051."""

FRESH_SECONDS = 240.0
"""How old a token may be when a load begins; it lives ten minutes."""


class Person:
    """A user with an avatar and a linked number."""

    def __init__(self, edge_url: str) -> None:
        self.number = random_phone_number()
        self._user, self._logged_in = DemoUser(edge_url, "load"), 0.0
        self._user.sign_up()
        self.freshen()
        self._user.request("PUT", "/profile/avatar", 201, json=AVATAR)
        self._user.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": self.number})

    def freshen(self) -> None:
        """Log in again if the token is old."""
        if time.monotonic() - self._logged_in > FRESH_SECONDS:
            self._user.log_in()
            self._logged_in = time.monotonic()

    @property
    def token(self) -> str:
        return self._user.authorization


class People:
    """Enough of them for all loads of a host: beyond 45 messages of one the gateway answers slowly."""

    def __init__(self, outside: Outside, number: int = 20) -> None:
        self.outside = outside
        with ThreadPoolExecutor(8) as pool:
            self.all = list(pool.map(lambda _: Person(outside.edge_url), range(number)))

    def freshen(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Person.freshen, self.all))

    def ask(self, per_second: float, repeats: bool = False, kills: bool = False) -> "Load":
        """Their requests, at a steady rate."""
        return Load(self.outside, self, per_second, repeats, kills)


@dataclass(repr=False)
class Load:
    """Requests at a steady rate: reading, replacing, writing with a key, messages from a phone."""

    outside: Outside
    people: People
    per_second: float
    repeats: bool = False
    """Whether a request that got no answer at all is sent once more, as browsers and Meta do."""

    kills: bool = False
    """Whether a gateway is killed meanwhile, so that an answer may end as a question to an operator."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    appended: list[str] = field(default_factory=list)
    phoned: list[str] = field(default_factory=list)
    _sent: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep asking until the block ends; then every request begun is finished."""
        await asyncio.to_thread(self.people.freshen)
        ending = asyncio.Event()
        task = asyncio.create_task(self._ask_until(ending))
        try:
            await asyncio.sleep(1)
            yield
            await asyncio.sleep(1)
        finally:
            ending.set()
            await task

    async def calmer_while(self, waited_for: Coroutine[object, object, str], seconds: float = 10.0) -> str:
        """What this returns; after some seconds people ask a fifth as often, because it only waits then."""
        task = asyncio.ensure_future(waited_for)
        await asyncio.wait([task], timeout=seconds)
        self.per_second /= 5
        return await task

    async def _ask_until(self, ending: asyncio.Event) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
        client = httpx.AsyncClient(timeout=60, trust_env=False, limits=limits)
        async with client, asyncio.TaskGroup() as group:
            due = time.monotonic()
            while not ending.is_set():
                group.create_task(self._ask(client, self._sent))
                self._sent += 1
                due += 1 / self.per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _ask(self, client: httpx.AsyncClient, nth: int) -> None:
        what, person = MIX[nth % len(MIX)], self.people.all[nth // len(MIX) % len(self.people.all)]
        began, steps = time.monotonic(), list[str]()

        async def note(step: str, _: object) -> None:
            steps.append(step)

        request = self._request(client, what, person, nth)
        request.extensions["trace"] = note
        try:
            answer = await self._send(client, request)
            problem = "" if answer.status_code < 300 else f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            problem = f"{error!r} {nth} at {time.time():.2f} after {' '.join(steps)}"
        self.outcomes[what] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)
        if problem:
            self.failures.append(f"{what}: {problem}")
        elif what in ("append", "phone"):
            (self.appended if what == "append" else self.phoned).append(f"{what} {self.mark}-{nth}.")

    async def _send(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        try:
            return await client.send(request)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            if not self.repeats:
                raise
            return await client.send(request)

    def _request(self, client: httpx.AsyncClient, what: str, person: Person, nth: int) -> httpx.Request:
        edge, text = self.outside.edge_url, f"{what} {self.mark}-{nth}."
        headers = {"Authorization": person.token}
        if what == "append":
            headers["Idempotency-Key"] = f"key-{self.mark}-{nth}"
            return client.build_request("POST", f"{edge}/messages", headers=headers, json={"content": text})
        if what == "phone":
            url = f"{self.outside.stack.simulator_url}/simulator/phones/{person.number}/messages"
            return client.build_request("POST", url, json={"text": text})
        if what == "replace":
            return client.build_request("PUT", f"{edge}/profile/avatar", headers=headers, json=AVATAR)
        path = {"list": "/messages?limit=5", "avatar": "/profile/avatar", "form": "/"}[what]
        return client.build_request("GET", f"{edge}{path}", headers=headers)

    async def account(self) -> dict[str, object]:
        """What was lost or doubled, once everything has been answered; empty lists are the aim."""
        until = time.monotonic() + SETTLE_SECONDS
        while (found := await self._wrong())["lost"] and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        return {"failed": self.failures, **found}

    async def _wrong(self) -> dict[str, object]:
        connection = await asyncpg.connect(self.outside.stack.database_url())
        try:
            rows = await connection.fetch("select role::text, content from public.messages")
            sends = await connection.fetch(SENDS)
        finally:
            await connection.close()
        said = Counter(row["content"] for row in rows if row["role"] == "user")
        echoed = [row["content"] for row in rows if row["role"] == "assistant"]
        if self.kills:  # a question is neither lost nor doubled
            echoed += [row["body"] for row in sends if row["is_question"]]
        echoes = {text: sum(text in one for one in echoed) for text in self.phoned}
        wanted = [*self.appended, *self.phoned]
        lost = [text for text in wanted if not said[text]] + [text for text, n in echoes.items() if n == 0]
        doubled = [text for text in wanted if said[text] > 1] + [text for text, n in echoes.items() if n > 1]
        fates = {text: [row["state"] for row in sends if text in row["body"]] for text in lost}
        return {"lost": [f"{text} {fates[text]}" for text in lost], "doubled": doubled}

    def __repr__(self) -> str:
        return json.dumps({"requests": sum(self.outcomes.values()), "slowest": round(self.slowest, 2)})
