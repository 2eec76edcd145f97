"""The routes for a service that acts for a user: what was said, edited and deleted on another channel.

Decision 0141.
"""

from uuid import UUID

from fastapi import APIRouter, Response

from ava_common.authentication import CurrentCaller
from ava_common.caller import Caller
from ava_common.problems import NotFound, Problem, responses
from ava_messaging import append, store
from ava_messaging.messages import Correction, Message, Turn
from ava_messaging.resources import Resources, ResourcesDep
from ava_messaging.routes import CREATED, SIGNED, MessageNotFound, created

router = APIRouter(prefix="/messages", tags=["messages"])


class MessageDiffers(Problem):
    """Another message is stored under this id. Use a new id for a new message."""

    status = 409


@router.put(
    "/{message_id:uuid}",
    operation_id="messages_put",
    openapi_extra={"x-internal": True},
    responses={
        **responses(*SIGNED, NotFound, store.DelegateRequired, MessageDiffers),
        200: {"model": Message},
        201: CREATED,
    },
)
async def keep(
    message_id: UUID, turn: Turn, resources: ResourcesDep, response: Response, caller: CurrentCaller
) -> Message:
    """Store a turn of another channel (201); the same id or external id again changes nothing (200)."""
    message, is_new = await kept(message_id, turn, resources, caller)
    return created(response, message) if is_new else message


async def kept(message_id: UUID, turn: Turn, resources: Resources, caller: Caller) -> tuple[Message, bool]:
    """The turn as it stands in the log, and whether it is new. Raises MessageDiffers."""
    _refuse_people(caller)
    message, is_new = await append.put(resources.pool, caller, message_id, turn)
    if message is None:
        raise MessageDiffers
    if not is_new and message.id == message_id and not _says_the_same(message, turn):
        raise MessageDiffers
    return message, is_new


@router.patch(
    "/{message_id:uuid}",
    operation_id="messages_correct",
    openapi_extra={"x-internal": True},
    responses=responses(*SIGNED, MessageNotFound, store.DelegateRequired, MessageDiffers),
)
async def correct(
    message_id: UUID, correction: Correction, resources: ResourcesDep, caller: CurrentCaller
) -> Message:
    """Edit or delete a message as its writer did on the phone; nothing changes after a later change."""
    _refuse_people(caller)
    async with store.transaction_for(resources.pool, caller) as connection:
        said = await store.find_existing(connection, caller.id, message_id, correction.external_id)
        if said and (said.channel, said.role) != ("whatsapp", "user"):
            raise MessageDiffers
        changed = await store.correct(connection, caller.id, said.id if said else message_id, correction)
    if changed is None:
        raise MessageNotFound
    return changed


def _refuse_people(caller: Caller) -> None:
    if caller.actor is None:
        raise store.DelegateRequired


def _says_the_same(existing: Message, turn: Turn) -> bool:
    """Or did so before it was changed on the phone."""
    same = (existing.channel, existing.role) == (turn.channel, turn.role)
    changed = existing.edited_at or existing.deleted_at
    return same and (changed is not None or existing.content == turn.content)
