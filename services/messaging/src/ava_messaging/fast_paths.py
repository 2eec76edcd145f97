"""The fast paths of messaging: a page of the log, a message in the app, a turn of another channel.

Decision 0155.
"""

import re
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import BaseModel, ValidationError

from ava_common.authentication import refuse_delegates
from ava_common.fast_path import (
    Answer,
    Answering,
    FastPath,
    Unusual,
    UsualRequest,
    bearer_token,
    header,
    json_answer,
    refuse_more_than,
)
from ava_messaging import delegate_routes, routes
from ava_messaging.filters import PageQuery
from ava_messaging.messages import Message, Turn, Written
from ava_messaging.resources import Resources

M = TypeVar("M", bound=BaseModel)
_QUERY_MAX_BYTES = 500
_QUERIES = 500
"""Queries that were read a moment ago are not read again: many people ask for the same kind of page."""
_KEY_NAME = b"idempotency-key"
_KEY = re.compile(routes.KEY)


def read_page(request: UsualRequest) -> Answering:
    """`GET /messages` with a token and with filters that are right."""
    query, token = _query(request.query), bearer_token(request)
    if query is None:
        raise Unusual
    return _page(query, token, request.state["resources"])


async def _page(query: PageQuery, token: str, resources: Resources) -> Answer:
    caller = await resources.verifier.verify(token)
    return json_answer(200, await routes.page(query, resources, caller))


def write(request: UsualRequest) -> Answering:
    """`POST /messages` with a token, a message that is right and at most one key."""
    refuse_more_than(request, b"application/json", _KEY_NAME)
    key, token = header(request, _KEY_NAME), bearer_token(request)
    if key is not None and not _KEY.fullmatch(key):
        raise Unusual
    return _written(_valid(Written, request.body), key, token, request.state["resources"])


async def _written(written: Written, key: str | None, token: str, resources: Resources) -> Answer:
    caller = refuse_delegates(await resources.verifier.verify(token))
    return _kept(*await routes.kept(written, resources, caller, key))


def keep(request: UsualRequest) -> Answering:
    """`PUT /messages/{id}` with a token and a turn that is right."""
    refuse_more_than(request, b"application/json")
    message_id, token = UUID(request.path.rpartition("/")[2]), bearer_token(request)
    return _turn(message_id, _valid(Turn, request.body), token, request.state["resources"])


async def _turn(message_id: UUID, turn: Turn, token: str, resources: Resources) -> Answer:
    caller = await resources.verifier.verify(token)
    return _kept(*await delegate_routes.kept(message_id, turn, resources, caller))


def _valid(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError:
        raise Unusual from None


def _kept(message: Message, is_new: bool) -> Answer:
    where = [(b"location", f"/messages/{message.id}".encode())] if is_new else []
    return json_answer(201 if is_new else 200, message.model_dump_json().encode(), *where)


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
