"""A gateway with a real database, and peers that speak the real protocols over real connections."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from asgi_lifespan import LifespanManager

from ava_common.database import open_pool
from ava_whatsapp_gateway import lanes
from ava_whatsapp_gateway.app import create_app
from ava_whatsapp_gateway.auth import Delegations
from ava_whatsapp_gateway.means import Means, open_peers
from ava_whatsapp_gateway.pace import Pace
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.split import split
from ava_whatsapp_gateway.walk import walk

APP_SECRET = "a-secret-of-our-meta-app"
CLIENT_SECRET = "a-secret-between-two-rooms"
NUMBER_ID = "106540352242922"

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Hang(Exception):
    """Take the request and never answer."""


class Reset(Exception):
    """Take the request and drop the connection."""


@dataclass
class House:
    """auth, profile, messaging and the Graph API on one port, keeping what they were told."""

    url: str = ""
    avatars: dict[UUID, UUID] = field(default_factory=dict)
    refused: set[UUID] = field(default_factory=set)
    log: list[dict[str, Any]] = field(default_factory=list)
    phones: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sent: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    # What goes wrong next, per step: an Answer, Hang or Reset; before or after the step took effect.
    before: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    after: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def turns(self, person: UUID) -> list[tuple[str, str]]:
        return [(turn["role"], turn["content"]) for turn in self.log if turn["user"] == person]

    async def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        step = next(
            name
            for name in ("tokens", "avatar", "messages", "graph")
            if path.startswith(
                {"tokens": "/internal", "avatar": "/profile", "messages": "/messages/", "graph": "/v"}[name]
            )
        )
        self.calls.append(step)
        await self._misbehave(self.before[step], f"before {step}")
        if self.before[step + "!"]:
            return self.before[step + "!"].popleft()
        found = getattr(self, f"_{step}")(path, headers, body)
        await self._misbehave(self.after[step], f"after {step}")
        return self.after[step + "!"].popleft() if self.after[step + "!"] else found

    async def _misbehave(self, faults: deque[Any], place: str) -> None:
        self.reached[place].set()
        if faults:
            raise faults.popleft()

    def _person(self, headers: dict[str, str]) -> UUID:
        return UUID(headers["authorization"].removeprefix("Bearer token-of-"))

    def _tokens(self, _: str, headers: dict[str, str], body: bytes) -> Answer:
        form = parse_qs(body.decode())
        expected = base64.b64encode(f"whatsapp-gateway:{CLIENT_SECRET}".encode()).decode()
        assert headers["authorization"] == f"Basic {expected}"
        person = UUID(form["subject_token"][0])
        if person in self.refused:
            return 403, {"type": "urn:ava:problem:token-refused"}
        return 200, {"access_token": f"token-of-{person}", "token_type": "Bearer", "expires_in": 120}

    def _avatar(self, _: str, headers: dict[str, str], __: bytes) -> Answer:
        avatar = self.avatars.get(self._person(headers))
        return (200, {"id": str(avatar)}) if avatar else (404, {"type": "urn:ava:problem:avatar-not-found"})

    def _messages(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        turn = {"id": path.rsplit("/", 1)[-1], "user": self._person(headers), **json.loads(body)}
        assert 1 <= len(turn["content"]) <= 65536
        assert "\x00" not in turn["content"]
        for kept in self.log:
            if kept["user"] == turn["user"] and turn["external_id"] == kept["external_id"]:
                return 200, {}
            if kept["id"] == turn["id"]:
                return (200, {}) if kept["content"] == turn["content"] else (409, {"type": "differs"})
        self.log.append(turn)
        return 201, {}

    def _graph(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        assert path == f"/v25.0/{NUMBER_ID}/messages"
        assert headers["authorization"].startswith("Bearer ")
        letter = json.loads(body)
        assert 1 <= len(letter["text"]["body"]) <= 4096
        wamid = "wamid." + secrets.token_hex(8)
        to = letter.get("to") or letter["recipient"]
        self.phones[to].append(letter["text"]["body"])
        self.sent.append({"wamid": wamid, "to": to, **letter})
        contacts = [{"input": to, **({"wa_id": to} if "to" in letter else {"user_id": to})}]
        return 200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": wamid}]}


@asynccontextmanager
async def serving(
    answer: Callable[[str, str, dict[str, str], bytes], Awaitable[Answer]],
) -> AsyncIterator[str]:
    """A small HTTP/1.1 server that can also hang and reset."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, Reset, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                try:
                    status, found, *more = await answer(method, path, headers, body)
                except Hang:
                    await asyncio.sleep(3600)
                payload = found if isinstance(found, bytes) else json.dumps(found).encode()
                extra = "".join(f"{k}: {v}\r\n" for k, v in (more[0] if more else {}).items())
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-length: {len(payload)}\r\n{extra}\r\n".encode() + payload
                )
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest_asyncio.fixture(loop_scope="session")
async def house() -> AsyncIterator[House]:
    made = House()
    async with serving(made.answer) as url:
        made.url = url
        yield made


@pytest.fixture
def settings(database: Any, house: House) -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        usual: dict[str, Any] = {
            "database_url": database.url("ava_whatsapp_gateway"),
            "auth_url": house.url,
            "profile_url": house.url,
            "messaging_url": house.url,
            "graph_api_url": house.url,
            "client_secret": CLIENT_SECRET,
            "app_secrets": [APP_SECRET],
            "verify_token": "a-token-for-metas-handshake",
            "access_token": "a-token-for-the-graph-api",
            "phone_number_id": NUMBER_ID,
            "poll": 0.05,
            "lease": 1.0,
            "graph_timeout": 0.3,
            "room_timeout": 0.3,
            "backoff_unit": 0.01,
            "number_rate": 10_000,
            "concurrency": 4,
            "probe": 0.2,
        }
        return Settings(_env_file=None, **(usual | changes))

    return make


@dataclass
class Gateway:
    """One process of the gateway without its loops: the test decides what happens when."""

    means: Means
    peers: list[Any]

    @property
    def pool(self) -> Any:
        return self.means.pool

    async def deliver(self, *values: Any, raw: bytes | None = None) -> None:
        """Keep a delivery as the door does."""
        body = raw if raw is not None else envelope(*values)
        await self.pool.execute(
            "insert into whatsapp.deliveries (digest, body) values ($1, $2) on conflict do nothing",
            hashlib.sha256(body).digest(),
            body,
        )

    async def split(self) -> None:
        while await split(self.pool, NUMBER_ID):
            pass
        await self.pool.execute("select whatsapp.settle(1000)")

    async def round(self) -> int:
        """Split, claim what is due, work through it; the number of lanes worked on."""
        await self.split()
        claimed = await lanes.claim(self.pool, 100, self.means.settings.lease)
        for lane in claimed:
            await walk(self.means, self.peers[0], lane, asyncio.Event())
        return len(claimed)

    async def drain(self, seconds: float = 10.0) -> None:
        """Work until no lane is left, waiting out back-offs and leases."""
        until = time.monotonic() + seconds
        while await self.round() or await self.pool.fetchval("select exists (select from whatsapp.lanes)"):
            assert time.monotonic() < until, await self.states()
            await asyncio.sleep(0.02)

    async def states(self) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("select key, state, reason from whatsapp.events order by id")
        return [(row["key"], row["state"]) for row in rows]


@pytest_asyncio.fixture(loop_scope="session")
async def gateways(settings: Any) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    """As many gateways on one database as a test wants."""
    async with AsyncExitStack() as stack:

        async def start(**changes: Any) -> Gateway:
            chosen = settings(**changes)
            url = chosen.database_url.get_secret_value()
            pool = await stack.enter_async_context(
                open_pool(url, name="test", size=6, may_become=("service_role",))
            )
            peers = await stack.enter_async_context(open_peers(chosen, 4))
            delegations = Delegations(chosen.client_secret.get_secret_value())
            return Gateway(Means(pool, chosen, delegations, Pace(chosen.number_rate)), peers)

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(gateways: Any) -> Gateway:
    return await gateways()


@pytest.fixture
def linked(database: Any) -> Callable[..., Awaitable[UUID]]:
    """A person whose number is linked, as profile writes it."""

    async def link(phone: str, person: UUID | None = None) -> UUID:
        person = person or await database.person()
        await database.admin(
            "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
            " values ($1, $2, clock_timestamp()) on conflict (user_id) do update set"
            " whatsapp_phone = $2, whatsapp_linked_at = clock_timestamp()",
            person,
            phone,
        )
        return person

    return link


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The whole room, its worker included."""
    async with LifespanManager(create_app(settings), startup_timeout=10, shutdown_timeout=30) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            yield client


@pytest.fixture
def room() -> Any:
    return running


def text(sender: str = "4915112345678", body: str = "hello", **more: Any) -> dict[str, Any]:
    """One message as Meta writes it; pass `id`, `timestamp` or `from_user_id` to choose them."""
    return {
        "from": sender,
        "id": "wamid." + secrets.token_hex(8),
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": body},
        **more,
    }


def status(letter: dict[str, Any], name: str = "sent", **more: Any) -> dict[str, Any]:
    """A status for something the fake Graph API took."""
    return {
        "id": letter["wamid"],
        "status": name,
        "timestamp": str(int(time.time())),
        "recipient_id": letter["to"],
        "biz_opaque_callback_data": letter["biz_opaque_callback_data"],
        **more,
    }


def envelope(*items: dict[str, Any]) -> bytes:
    metadata = {"display_phone_number": "+1 555 078 3881", "phone_number_id": NUMBER_ID}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    for item in items:
        value.setdefault("statuses" if "status" in item else "messages", []).append(item)
    change = {"field": "messages", "value": value}
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    ).encode()


def signed(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    return {
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }


@pytest.fixture
def meta() -> SimpleNamespace:
    """How tests write what Meta sends."""
    return SimpleNamespace(text=text, status=status, envelope=envelope, signed=signed)


@pytest.fixture
def misbehaviour() -> Any:
    return {"hang": Hang, "reset": Reset}
