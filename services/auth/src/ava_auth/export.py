"""The export of a user's data from every service, written as one JSON document while it arrives."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

import httpx
import orjson

from ava_auth.problems import ServiceUnavailable
from ava_auth.resources import Resources
from ava_auth.user_and_session import User
from ava_common.caller import Caller
from ava_common.http_client import json_object, on_behalf_of, own_problem

LINES = "application/x-ndjson"


async def open_export(resources: Resources, caller: Caller, user: User) -> AsyncIterator[bytes]:
    """The document in chunks. Raises ServiceUnavailable before the first chunk, never after it."""
    auth = on_behalf_of(caller)
    head = {
        "account": asdict(user),
        "avatar": await _get(resources.profile, "/profile/avatar", auth),
        "preferences": await _get(resources.profile, "/profile/preferences", auth),
        "security_events": [
            asdict(event) async for event in resources.audit_log.read(user_id=user.id, limit=10_000)
        ],
    }
    opening = orjson.dumps(head, default=str, option=orjson.OPT_INDENT_2).removesuffix(b"\n}")
    stack = AsyncExitStack()
    try:
        messages = await stack.enter_async_context(
            resources.messaging.stream("GET", "/messages/export", auth=auth, timeout=60)
        )
    except httpx.HTTPError:
        raise ServiceUnavailable from None
    if messages.status_code != 200 or _media_type(messages) != LINES:
        await stack.aclose()
        raise ServiceUnavailable
    return _write(opening, messages, stack)


def _media_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", LINES)).partition(";")[0]


async def _get(service: httpx.AsyncClient, path: str, auth: httpx.Auth) -> Any:
    """The JSON that a service has at this path; None when it has nothing."""
    try:
        response = await service.get(path, auth=auth)
    except httpx.HTTPError:
        raise ServiceUnavailable from None
    if response.status_code == 404 and own_problem(response):
        return None
    if response.status_code != 200 or not (found := json_object(response)):
        raise ServiceUnavailable
    return found


async def _write(opening: bytes, messages: httpx.Response, stack: AsyncExitStack) -> AsyncIterator[bytes]:
    """A response cut off in the middle cuts this document off too: half a file must not look complete."""
    async with stack:
        yield opening + b',\n  "messages": ['
        separator = b"\n    "
        async for line in messages.aiter_lines():
            if line:
                yield separator + line.encode()
                separator = b",\n    "
        yield b"\n  ]\n}\n"
