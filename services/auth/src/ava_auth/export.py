"""Everything that is a person's, from every room, written as one JSON document while it arrives."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

import httpx
import orjson

from ava_auth.people import Person
from ava_auth.refusals import RoomAway
from ava_auth.resources import Resources
from ava_common.callers import Caller
from ava_common.peers import on_behalf_of


async def gather(here: Resources, caller: Caller, person: Person) -> AsyncIterator[bytes]:
    """The document in pieces. Raises RoomAway before the first piece, never in the middle of a good one."""
    auth = on_behalf_of(caller)
    head = {
        "account": asdict(person),
        "avatar": await _ask(here.profile, "/profile/avatar", auth),
        "preferences": await _ask(here.profile, "/profile/preferences", auth),
        "security_events": [asdict(event) async for event in here.trail.read(person=person.id, limit=10_000)],
    }
    opening = orjson.dumps(head, default=str, option=orjson.OPT_INDENT_2).removesuffix(b"\n}")
    stack = AsyncExitStack()
    try:
        messages = await stack.enter_async_context(
            here.messaging.stream("GET", "/messages/export", auth=auth, timeout=60)
        )
    except httpx.HTTPError:
        raise RoomAway from None
    if messages.status_code != 200:
        await stack.aclose()
        raise RoomAway
    return _write(opening, messages, stack)


async def _ask(room: httpx.AsyncClient, path: str, auth: httpx.Auth) -> Any:
    """What a room knows under this path; None when it knows nothing."""
    try:
        answer = await room.get(path, auth=auth)
    except httpx.HTTPError:
        raise RoomAway from None
    if answer.status_code == 404:
        return None
    if answer.status_code != 200:
        raise RoomAway
    return orjson.loads(answer.content)


async def _write(opening: bytes, messages: httpx.Response, stack: AsyncExitStack) -> AsyncIterator[bytes]:
    """A room that breaks off in the middle breaks this document off too: half a file must not look whole."""
    async with stack:
        yield opening + b',\n  "messages": ['
        separator = b"\n    "
        async for line in messages.aiter_lines():
            if line:
                yield separator + line.encode()
                separator = b",\n    "
        yield b"\n  ]\n}\n"
