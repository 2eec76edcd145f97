"""The routes of the message log."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import WithJsonSchema

from ava_common.authentication import CurrentCaller, NotSignedIn, PersonRequired, PresentCaller
from ava_common.caller import Caller
from ava_common.database import AccountGone
from ava_common.live_sessions import REFUSALS, LiveCaller
from ava_common.problems import DatabaseAway, Problem, responses
from ava_common.validation_messages import Matches
from ava_messaging import append, export, store
from ava_messaging.cursor import Position
from ava_messaging.filters import ExportQuery, PageQuery
from ava_messaging.messages import Message, Page, Written
from ava_messaging.resources import Resources, ResourcesDep

SIGNED = (NotSignedIn, AccountGone, DatabaseAway)
PRESENT = (*SIGNED, PersonRequired)
LIVE = (*REFUSALS, DatabaseAway)
CREATED = {"model": Message, "description": "Written"}
LINES = {"description": "One message per line, each a JSON document with the fields of `Message`"}

router = APIRouter(prefix="/messages", tags=["messages"])


class MessageNotFound(Problem):
    """You have no message with this id. GET /messages lists your messages."""

    status = 404


class KeyReused(Problem):
    """This Idempotency-Key was used for another message. Use a new key for new content."""

    status = 409


KEY = r"^[!-~]{1,200}$"
IdempotencyKey = Annotated[
    Annotated[str, Matches(KEY, "must be 1 to 200 printable ASCII characters without spaces")] | None,
    Header(
        alias="Idempotency-Key",
        description="Repeating a request with the same key and content writes nothing new.",
    ),
    WithJsonSchema({"type": "string", "pattern": KEY}),
]


@router.post(
    "",
    operation_id="messages_write",
    responses={**responses(*PRESENT, KeyReused), 200: {"model": Message}, 201: CREATED},
)
async def write(
    written: Written,
    resources: ResourcesDep,
    response: Response,
    caller: PresentCaller,
    key: IdempotencyKey = None,
) -> Message:
    """Write in the app (201); again with the same Idempotency-Key returns the first message (200)."""
    message, is_new = await kept(written, resources, caller, key)
    return created(response, message) if is_new else message


async def kept(
    written: Written, resources: Resources, caller: Caller, key: str | None
) -> tuple[Message, bool]:
    """The message as it stands in the log, and whether it is new. Raises KeyReused."""
    external_id = f"app:{key}" if key else None
    message, is_new = await append.write(resources.pool, caller, written, external_id)
    if message is None or not (is_new or _is_repeated(message, written)):
        raise KeyReused
    return message, is_new


@router.get("", operation_id="messages_list", response_model=Page, responses=responses(*SIGNED))
async def read_page(
    query: Annotated[PageQuery, Query()], resources: ResourcesDep, caller: CurrentCaller
) -> Response:
    """A page of your messages, filtered by any combination.

    With filters it may have fewer than `limit`, or none, and still a `next`: there may be more behind it.
    """
    return Response(await page(query, resources, caller), media_type="application/json")


async def page(query: PageQuery, resources: Resources, caller: Caller) -> bytes:
    """The page that this query asks for, as JSON."""
    found, end = await store.page(resources.pool, caller, query, query.order, query.cursor, query.limit + 1)
    last = found[query.limit - 1] if len(found) > query.limit else end
    following = f'"{_position(last)}"' if last else "null"
    return f'{{"messages":[{",".join(found[: query.limit])}],"next":{following}}}'.encode()


def _position(message: str) -> str:
    """The cursor of a message that is JSON already."""
    last = orjson.loads(message)
    return Position(datetime.fromisoformat(last["created_at"]), UUID(last["id"])).encode()


async def exported(
    query: Annotated[ExportQuery, Query()], resources: ResourcesDep, caller: LiveCaller
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Stays open until the last line is sent, or the client is gone."""
    async with export.open_export(resources.exports, resources.pool, caller, query) as lines:
        yield lines


@router.get(
    "/export",
    operation_id="messages_export",
    response_class=export.NdjsonResponse,
    responses={**responses(*LIVE, export.TooManyExports), 200: LINES},
)
async def read_everything(lines: Annotated[AsyncIterator[bytes], Depends(exported)]) -> export.NdjsonResponse:
    """All your messages, or those that the filters select, as newline-delimited JSON."""
    return export.NdjsonResponse(lines)


@router.get("/{message_id:uuid}", operation_id="messages_read", responses=responses(*SIGNED, MessageNotFound))
async def read_one(message_id: UUID, resources: ResourcesDep, caller: CurrentCaller) -> Message:
    """One of your messages."""
    async with store.transaction_for(resources.pool, caller) as connection:
        message = await store.find(connection, caller.id, message_id)
    if message is None:
        raise MessageNotFound
    return message


@router.delete(
    "/{message_id:uuid}",
    operation_id="messages_delete",
    status_code=204,
    response_class=Response,
    responses=responses(*LIVE, MessageNotFound),
)
async def delete(message_id: UUID, resources: ResourcesDep, caller: LiveCaller) -> None:
    """Delete one of your messages permanently."""
    async with store.transaction_for(resources.pool, caller) as connection:
        gone = await store.delete(connection, caller.id, message_id)
    if not gone:
        raise MessageNotFound


def created(response: Response, message: Message) -> Message:
    response.status_code = 201
    response.headers["Location"] = f"/messages/{message.id}"
    return message


def _is_repeated(existing: Message, written: Written) -> bool:
    """Also when the avatar was found and not named, or is gone since."""
    avatars = {existing.avatar_id, written.avatar_id} - {None}
    return existing.content == written.content and len(avatars) < 2
