"""Fakes of auth, profile, messaging and the Graph API: one server that can also hang, reset and refuse."""

import asyncio
import base64
import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

from .meta_payloads import NUMBER_ID

CLIENT_SECRET = "a-secret-between-two-services"

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


_PATHS = {
    "tokens": "POST /internal",
    "avatar": "GET /profile",
    "messages": "PUT /messages/",
    "history": "GET /messages?",
    "logged": "GET /messages/",
    "corrections": "PATCH /messages/",
    "graph": "POST /v",
    "number": "GET /v",
}

_MICROSECOND = timedelta(microseconds=1)


class Hang(Exception):
    """Take the request and never answer."""


class Reset(Exception):
    """Take the request and drop the connection."""


@dataclass
class FakePeers:
    """auth, profile, messaging and the Graph API on one port, remembering what they were sent."""

    url: str = ""
    avatars: dict[UUID, UUID] = field(default_factory=dict)
    refused: set[UUID] = field(default_factory=set)
    log: list[dict[str, Any]] = field(default_factory=list)
    phones: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sent: list[dict[str, Any]] = field(default_factory=list)
    reads: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    call_times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    traces: list[tuple[str, str, str]] = field(default_factory=list)
    # What happens next at a step, before or after it takes effect: Hang, Reset or something to await;
    # under "<step>!" the Answer that is given instead.
    before: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    after: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def turns(self, person: UUID) -> list[tuple[str, str]]:
        return [(turn["role"], turn["content"]) for turn in self.log if turn["user"] == person]

    async def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        step = next(name for name, prefix in _PATHS.items() if f"{method} {path}".startswith(prefix))
        self.calls.append(step)
        self.call_times[step].append(time.monotonic())
        self.traces.append((step, headers.get("traceparent", "")[3:35], headers.get("x-request-id", "")))
        await self._misbehave(self.before[step], f"before {step}")
        if self.before[step + "!"]:
            instead: Answer = self.before[step + "!"].popleft()
            return instead
        found: Answer = getattr(self, f"_{step}")(path, headers, body)
        await self._misbehave(self.after[step], f"after {step}")
        return self.after[step + "!"].popleft() if self.after[step + "!"] else found

    async def _misbehave(self, faults: deque[Any], place: str) -> None:
        self.reached[place].set()
        if faults:
            fault = faults.popleft()
            if isinstance(fault, Exception):
                raise fault
            await fault()

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
        fields = {"name": "Mira", "age": 27, "personality": "witty", "physical_description": "Tall"}
        there = 200, {"id": str(avatar), **fields}
        return there if avatar else (404, {"type": "urn:ava:problem:avatar-not-found"})

    def _history(self, path: str, headers: dict[str, str], _: bytes) -> Answer:
        query = parse_qs(path.partition("?")[2])
        assert query["order"] == ["newest"]
        until = query.get("until", ["9"])[0]
        mine = [turn for turn in self._of(headers) if turn["created_at"] < until]
        newest = list(reversed(mine))[: int(query["limit"][0])]
        return 200, {"messages": [_shown(turn) for turn in newest], "next": None}

    def _of(self, headers: dict[str, str]) -> list[dict[str, Any]]:
        return [turn for turn in self.log if turn["user"] == self._person(headers)]

    def _logged(self, path: str, headers: dict[str, str], _: bytes) -> Answer:
        found = [turn for turn in self._of(headers) if turn["id"] == path.rsplit("/", 1)[-1]]
        return (200, _shown(found[0])) if found else (404, {"type": "urn:ava:problem:message-not-found"})

    def write_in_the_app(self, user: UUID, content: str) -> None:
        """As the user does in the app: behind what is in the log."""
        said = {"channel": "app", "role": "user", "content": content, "external_id": None}
        self._append({"id": str(uuid4()), "user": user, **said, "created_at": "2000-01-01T00:00:00+00:00"})

    def _append(self, turn: dict[str, Any]) -> None:
        """The newest of its user's."""
        given = datetime.fromisoformat(turn["created_at"])
        before = [
            datetime.fromisoformat(mine["created_at"]) for mine in self.log if mine["user"] == turn["user"]
        ]
        last = max(before, default=given - _MICROSECOND)
        self.log.append(
            turn | {"created_at": max(given, last + _MICROSECOND).isoformat(timespec="microseconds")}
        )

    def _messages(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        turn = {"id": path.rsplit("/", 1)[-1], "user": self._person(headers), **json.loads(body)}
        assert 1 <= len(turn["content"]) <= 65536
        assert "\x00" not in turn["content"]
        for entry in self.log:
            if entry["user"] == turn["user"] and turn["external_id"] == entry["external_id"]:
                return 200, _shown(entry)
            if entry["id"] == turn["id"]:
                same = entry["content"] == turn["content"] or {"edited_at", "deleted_at"} & entry.keys()
                same = same and entry["user"] == turn["user"]
                return (200, _shown(entry)) if same else (409, {"type": "urn:ava:problem:message-differs"})
        if turn["role"] == "user" and turn["avatar_id"] is None and (own := self.avatars.get(turn["user"])):
            turn["avatar_id"] = str(own)
        self._append(turn)
        return 201, _shown(self.log[-1])

    def _corrections(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        change, user = json.loads(body), self._person(headers)
        assert change["content"] is None or 1 <= len(change["content"]) <= 65536
        for entry in self.log:
            if entry["user"] == user and entry["external_id"] == change["external_id"]:
                assert entry["role"] == "user"
                if change["content"] is None:
                    entry |= {"content": "", "deleted_at": change["changed_at"]}
                elif "deleted_at" not in entry and entry.get("edited_at", "") <= change["changed_at"]:
                    entry |= {"content": change["content"], "edited_at": change["changed_at"]}
                return 200, _shown(entry)
        return 404, {"type": "urn:ava:problem:message-not-found"}

    def _graph(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        assert path == f"/v25.0/{NUMBER_ID}/messages"
        assert headers["authorization"].startswith("Bearer ")
        message = json.loads(body)
        if message.get("status") == "read":
            self.reads.append(message)
            return 200, {"success": True}
        assert 1 <= len(message["text"]["body"]) <= 4096
        wamid = "wamid." + secrets.token_hex(8)
        to = message.get("to") or message["recipient"]
        self.phones[to].append(message["text"]["body"])
        self.sent.append({"wamid": wamid, "to": to, **message})
        contacts = [{"input": to, **({"wa_id": to} if "to" in message else {"user_id": to})}]
        return 200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": wamid}]}

    def _number(self, path: str, headers: dict[str, str], _: bytes) -> Answer:
        assert path == f"/v25.0/{NUMBER_ID}?fields=id"
        assert headers["authorization"].startswith("Bearer ")
        return 200, {"id": NUMBER_ID}


def _shown(turn: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in turn.items() if name != "user"}


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
