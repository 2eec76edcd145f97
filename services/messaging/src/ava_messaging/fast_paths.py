"""The fast paths of messaging: a page of the log, a message in the app, a turn of another channel.

Decision 0155.
"""

import re
from functools import lru_cache
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from ava_common.authentication import refuse_delegates
from ava_common.fast_path import (
    FastPath,
    Unusual,
    bearer_token,
    header,
    refuse_more_than,
    send_json,
    whole_body,
)
from ava_messaging import delegate_routes, routes
from ava_messaging.filters import PageQuery
from ava_messaging.messages import Message, Turn, Written
from ava_messaging.resources import Resources

_QUERY_MAX_BYTES = 500
_QUERIES = 500
"""Queries that were read a moment ago are not read again: many people ask for the same kind of page."""
_KEY_NAME = b"idempotency-key"
_KEY = re.compile(routes.KEY)


async def read_page(scope: Scope, receive: Receive, send: Send) -> None:
    """`GET /messages` with a token and with filters that are right."""
    resources: Resources = scope["state"]["resources"]
    query, token = _query(scope["query_string"]), bearer_token(scope)
    if query is None:
        raise Unusual
    caller = await resources.verifier.verify(token)
    await send_json(send, 200, await routes.page(query, resources, caller))


async def write(scope: Scope, receive: Receive, send: Send) -> None:
    """`POST /messages` with a token, a message that is right and at most one key."""
    resources: Resources = scope["state"]["resources"]
    refuse_more_than(scope, b"application/json", _KEY_NAME)
    key, token = header(scope, _KEY_NAME), bearer_token(scope)
    if key is not None and not _KEY.fullmatch(key):
        raise Unusual
    body = await whole_body(receive)
    try:
        written = Written.model_validate_json(body)
    except ValidationError:
        raise Unusual(body) from None
    caller = refuse_delegates(await resources.verifier.verify(token))
    await _send(send, *await routes.kept(written, resources, caller, key))


async def keep(scope: Scope, receive: Receive, send: Send) -> None:
    """`PUT /messages/{id}` with a token and a turn that is right."""
    resources: Resources = scope["state"]["resources"]
    refuse_more_than(scope, b"application/json")
    token, body = bearer_token(scope), await whole_body(receive)
    try:
        turn = Turn.model_validate_json(body)
    except ValidationError:
        raise Unusual(body) from None
    caller = await resources.verifier.verify(token)
    message_id = UUID(scope["path"].rpartition("/")[2])
    await _send(send, *await delegate_routes.kept(message_id, turn, resources, caller))


async def _send(send: Send, message: Message, is_new: bool) -> None:
    where = [(b"location", f"/messages/{message.id}".encode())] if is_new else []
    await send_json(send, 201 if is_new else 200, message.model_dump_json().encode(), *where)


def _query(query: bytes) -> PageQuery | None:
    """None when the framework has to say what is wrong."""
    return _read(query) if len(query) <= _QUERY_MAX_BYTES else None


@lru_cache(_QUERIES)
def _read(query: bytes) -> PageQuery | None:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values = dict(pairs)
    if len(values) < len(pairs) or not all(values.values()):
        return None
    try:
        return PageQuery.model_validate(values)
    except ValidationError:
        return None


FAST_PATHS = [
    FastPath("GET", "/messages", read_page),
    FastPath("POST", "/messages", write),
    FastPath("PUT", "/messages/{message_id:uuid}", keep),
]
