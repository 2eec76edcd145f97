"""What people and rooms can ask the messaging room."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import StringConstraints, WithJsonSchema

from ava_common.callers import Caller
from ava_common.database import Pool
from ava_common.guards import NotSignedIn, PersonPresent, PersonRequired, SomeoneSigned
from ava_common.problems import DatabaseAway, NotFound, Problem, responses
from ava_messaging import export, store
from ava_messaging.cursor import Position
from ava_messaging.filters import ExportAsked, PageAsked
from ava_messaging.messages import Message, Page, Turn, Written

SIGNED = (NotSignedIn, DatabaseAway)
PRESENT = (*SIGNED, PersonRequired)
CREATED = {"model": Message, "description": "Written"}

router = APIRouter(prefix="/messages", tags=["messages"])


class MessageNotFound(Problem):
    """You have no message with this id. GET /messages lists the ones you have."""

    status = 404


class KeyReused(Problem):
    """This Idempotency-Key was used for another message. Use a new key for new content."""

    status = 409


class MessageDiffers(Problem):
    """Another message is kept under this id. Use a new id for a new message."""

    status = 409


KEY = r"^[!-~]{1,200}$"
IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=KEY)] | None,
    Header(alias="Idempotency-Key", description="The same key and content again writes nothing new."),
    WithJsonSchema({"type": "string", "pattern": KEY}),
]


@router.post("", responses={**responses(*PRESENT, KeyReused), 200: {"model": Message}, 201: CREATED})
async def write(
    written: Written,
    request: Request,
    response: Response,
    caller: PersonPresent,
    key: IdempotencyKey = None,
) -> Message:
    """Write in the app (201); the same again with the same Idempotency-Key answers the first one (200)."""
    external_id = f"app:{key}" if key else None
    async with store.speaking_for(request.state.pool, caller) as connection:
        if new := await store.write(connection, caller.id, written, external_id):
            return _created(response, new)
        kept = await store.find_kept(connection, caller.id, None, external_id)
    # An avatar that is gone since has left null behind: still the same message.
    if kept is None or kept.content != written.content or kept.avatar_id not in (written.avatar_id, None):
        raise KeyReused
    return kept


@router.get("", response_model=Page, responses=responses(*SIGNED))
async def read_page(
    asked: Annotated[PageAsked, Query()], request: Request, caller: SomeoneSigned
) -> Response:
    """A page of your messages, filtered by any combination."""
    pool: Pool = request.state.pool
    found = await store.page(pool, caller, asked, asked.order, asked.cursor, asked.limit + 1)
    last = found[asked.limit - 1] if len(found) > asked.limit else None
    page = {
        "messages": [dict(row) for row in found[: asked.limit]],
        "next": Position(last["created_at"], UUID(last["id"])).word() if last else None,
    }
    return Response(orjson.dumps(page, option=orjson.OPT_UTC_Z), media_type="application/json")


async def exported(
    asked: Annotated[ExportAsked, Query()], request: Request, caller: PersonPresent
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Stays open until the last line is sent, or the reader is gone."""
    async with export.opened(request.state.exports, request.state.pool, caller, asked) as lines:
        yield lines


@router.get(
    "/export",
    response_class=export.Lines,
    responses={**responses(*PRESENT, export.TooManyExports), 200: {"description": "One message per line"}},
)
async def read_everything(lines: Annotated[AsyncIterator[bytes], Depends(exported)]) -> export.Lines:
    """All your messages, or what the filters leave of them, as newline-delimited JSON."""
    return export.Lines(lines)


@router.get("/{message_id:uuid}", responses=responses(*SIGNED, MessageNotFound))
async def read_one(message_id: UUID, request: Request, caller: SomeoneSigned) -> Message:
    """One of your messages."""
    async with store.speaking_for(request.state.pool, caller) as connection:
        message = await store.find(connection, caller.id, message_id)
    if message is None:
        raise MessageNotFound
    return message


@router.put(
    "/{message_id:uuid}",
    responses={
        **responses(*SIGNED, NotFound, store.DelegateRequired, MessageDiffers),
        200: {"model": Message},
        201: CREATED,
    },
)
async def keep(
    message_id: UUID, turn: Turn, request: Request, response: Response, caller: SomeoneSigned
) -> Message:
    """Keep a turn that happened elsewhere (201); the same id or external id again changes nothing (200)."""
    _refuse_people(caller)
    async with store.speaking_for(request.state.pool, caller) as connection:
        if new := await store.keep(connection, caller.id, message_id, turn):
            return _created(response, new)
        kept = await store.find_kept(connection, caller.id, message_id, turn.external_id)
    if kept is None or (kept.id == message_id and not _says_the_same(kept, turn)):
        raise MessageDiffers
    return kept


@router.delete("/{message_id:uuid}", status_code=204, responses=responses(*PRESENT, MessageNotFound))
async def delete(message_id: UUID, request: Request, caller: PersonPresent) -> None:
    """Delete one of your messages for good."""
    async with store.speaking_for(request.state.pool, caller) as connection:
        gone = await store.delete(connection, caller.id, message_id)
    if not gone:
        raise MessageNotFound


def _refuse_people(caller: Caller) -> None:
    if caller.actor is None:
        raise store.DelegateRequired


def _created(response: Response, message: Message) -> Message:
    response.status_code = 201
    response.headers["Location"] = f"/messages/{message.id}"
    return message


def _says_the_same(kept: Message, turn: Turn) -> bool:
    return (kept.channel, kept.role, kept.content) == (turn.channel, turn.role, turn.content)
