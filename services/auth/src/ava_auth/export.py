"""The export of a user's data from every service, written as one JSON document while it arrives.

Decision 0114.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from typing import Any

import httpx
import orjson

from ava_auth.problems import ServiceUnavailable
from ava_auth.resources import Resources
from ava_auth.throttle import account_digest
from ava_auth.user_and_session import User
from ava_common.caller import Caller
from ava_common.database import AccountGone
from ava_common.http_client import json_object, on_behalf_of, own_problem
from ava_common.live_sessions import SessionEnded
from ava_common.problems import NotFound, Problem
from ava_common.token_verifier import InvalidToken

LINES = "application/x-ndjson"
MOST_EVENTS = 10_000
_ENDED: dict[str | None, type[Problem]] = {
    problem.type(): problem for problem in (AccountGone, SessionEnded, InvalidToken)
}


async def open_export(resources: Resources, caller: Caller, user: User) -> AsyncIterator[bytes]:
    """The document in chunks. Before the first one raises ServiceUnavailable, or what ended meanwhile.

    That is AccountGone, SessionEnded or InvalidToken: an account deleted while it is read gives no file.
    """
    auth, account = on_behalf_of(caller), account_digest(user.email)
    head = {
        "account": asdict(user),
        "avatar": await _get(resources.profile, "/profile/avatar", auth),
        "preferences": await _get(resources.profile, "/profile/preferences", auth),
        "whatsapp_identities": await _identities(resources.profile, auth),
        "familiar_networks": await resources.throttle.familiar_networks(account, str(user.id)),
        "security_events": [
            asdict(event) for event in await resources.audit_log.read_of_user(user.id, account, MOST_EVENTS)
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
        async with stack:
            await messages.aread()
        raise _refusal(messages)
    return _write(opening, messages, stack)


def _media_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", LINES)).partition(";")[0]


async def _get(service: httpx.AsyncClient, path: str, auth: httpx.Auth) -> Any:
    """The JSON object that a service has at this path; None when it has nothing."""
    response = await _ask(service, path, auth)
    return None if response.status_code == 404 and own_problem(response) else _read(response, dict)


async def _identities(profile: httpx.AsyncClient, auth: httpx.Auth) -> Any:
    """A list; None beside a profile of release 0.1.0, which does not serve this path and says so itself."""
    response = await _ask(profile, "/profile/whatsapp-identities", auth)
    unknown = response.status_code == 404 and json_object(response).get("type") == NotFound.type()
    return None if unknown else _read(response, list)


async def _ask(service: httpx.AsyncClient, path: str, auth: httpx.Auth) -> httpx.Response:
    try:
        return await service.get(path, auth=auth)
    except httpx.HTTPError:
        raise ServiceUnavailable from None


def _read(response: httpx.Response, kind: type) -> Any:
    if response.status_code != 200:
        raise _refusal(response)
    with suppress(ValueError, RecursionError):
        if isinstance(found := response.json(), kind):
            return found
    raise ServiceUnavailable


def _refusal(response: httpx.Response) -> Problem:
    """What a service says of the caller is passed on; all else is its own trouble."""
    return _ENDED.get(own_problem(response) if response.status_code == 401 else None, ServiceUnavailable)()


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
