"""A message is written to the log, once.

Decisions 0140 and 0185.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ava_common.caller import Caller
from ava_common.database import Pool
from ava_common.uuid7 import uuid7
from ava_messaging import store
from ava_messaging.messages import Message, Turn, Written

# All that a message is written with, in one statement: one round trip and one commit, claims included.
_APPEND = """
select messaging.append_2(
  p_claims => $1, p_own_avatar => $2, p_wanted => $3, p_id => $4, p_avatar_id => $5, p_channel => $6,
  p_role => $7, p_content => $8, p_external_id => $9, p_sent_at => $10)
"""


async def write(
    pool: Pool, caller: Caller, written: Written, external_id: str | None
) -> tuple[Message | None, bool]:
    """A message in the app, to the avatar that it names or the only one there is; as `_append`."""
    said = {
        "id": uuid7(),
        "avatar_id": written.avatar_id,
        "channel": "app",
        "role": "user",
        "content": written.content,
        "external_id": external_id,
        "sent_at": None,
    }
    return await _append(pool, caller, said, own_avatar=True)


async def put(pool: Pool, caller: Caller, message_id: UUID, turn: Turn) -> tuple[Message | None, bool]:
    """A turn of another channel, the user's to their avatar as in the app; as `_append`."""
    said = {
        "id": message_id,
        "avatar_id": turn.avatar_id,
        "channel": turn.channel,
        "role": turn.role,
        "content": turn.content,
        "external_id": turn.external_id,
        "sent_at": turn.sent_at and turn.sent_at.astimezone(UTC),
    }
    return await _append(pool, caller, said, own_avatar=turn.role == "user", wanted=turn.created_at)


async def _append(
    pool: Pool, caller: Caller, said: dict[str, Any], *, own_avatar: bool, wanted: datetime | None = None
) -> tuple[Message | None, bool]:
    """The message and whether it is new; else the one that has its id or external id, if it is the caller's.

    Raises NotYourAvatar, AccountGone or DelegateRequired.
    """
    with store.refusals():
        kept = await pool.fetchval(_APPEND, store.claims(caller), own_avatar, wanted, *said.values())
    if kept is None:
        async with store.transaction_for(pool, caller) as connection:
            found = await store.find_existing(connection, caller.id, said["id"], said["external_id"])
        return found, False
    said["created_at"] = datetime.fromtimestamp(float(kept[0]), UTC)
    said["avatar_id"] = UUID(kept[1]) if kept[1] else None
    return Message.model_construct(**said, edited_at=None, deleted_at=None), True
