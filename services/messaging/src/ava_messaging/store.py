"""The SQL of the message log; every statement runs as the user whose rows it touches.

Decisions 0013 and 0072. See docs/contracts/postgres.md#plans-under-a-policy.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from ava_common.caller import Caller
from ava_common.database import Connection, Pool, acting_as
from ava_common.problems import Problem
from ava_messaging.cursor import Position
from ava_messaging.filters import Filters, Order
from ava_messaging.messages import Message, Turn, Written

MESSAGE = "id, avatar_id, channel, role, content, created_at, external_id"

# One text for every combination: with custom plans PostgreSQL drops what is null before it plans.
# messaging.page repeats these filters.
FILTERED = f"""select {MESSAGE} from public.messages
    where user_id = $1
      and ($2::text is null or channel = $2) and ($3::text is null or role = $3)
      and ($4::uuid is null or avatar_id = $4)
      and ($5::timestamptz is null or created_at >= $5) and ($6::timestamptz is null or created_at < $6)
      and ($7::text is null or content ilike $7)"""
NEWEST = "order by created_at desc, id desc"
OLDEST = "order by created_at, id"
PAGE = """select id::text, avatar_id::text, channel, role, content, created_at, external_id
    from messaging.page($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
ALL: dict[Order, str] = {"newest": f"{FILTERED} {NEWEST}", "oldest": f"{FILTERED} {OLDEST}"}


class AccountGone(Problem):
    """Your account no longer exists, so nothing can be stored for it. Sign up again to start over."""

    status = 401


class NotYourAvatar(Problem):
    """You have no avatar with this id. Leave `avatar_id` out, or use the one of GET /profile/avatar."""

    status = 422


class DelegateRequired(Problem):
    """Only a service acting for a user may write here. Users write with POST /messages."""

    status = 403


@asynccontextmanager
async def transaction_for(pool: Pool, caller: Caller) -> AsyncIterator[Connection]:
    """A transaction as the caller. Raises NotYourAvatar, AccountGone or DelegateRequired."""
    try:
        async with acting_as(pool, caller, "ava_messaging") as connection:
            yield connection
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name == "messages_own_avatar":
            wrong = {"pointer": "#/avatar_id", "detail": "is not your avatar"}
            raise NotYourAvatar(errors=[wrong]) from None
        raise AccountGone from None
    except asyncpg.InsufficientPrivilegeError:  # the policy decides who may write what
        raise DelegateRequired from None


async def find(connection: Connection, user_id: UUID, message_id: UUID) -> Message | None:
    row = await connection.fetchrow(
        f"select {MESSAGE} from public.messages where user_id = $1 and id = $2", user_id, message_id
    )
    return Message(**row) if row else None


async def page(
    pool: Pool, caller: Caller, filters: Filters, order: Order, after: Position | None, limit: int
) -> list[asyncpg.Record]:
    """At most `limit` messages that follow `after` in this order: one round trip, claims included.

    Rows and not models, ids as text, so that the page is serialised once.
    """
    claims = orjson.dumps(caller.claims()).decode()
    place = (after.created_at, after.id) if after else (None, None)
    rows: list[asyncpg.Record] = await pool.fetch(
        PAGE, claims, order == "newest", *_values(filters), *place, limit
    )
    return rows


async def stream(
    connection: Connection, user_id: UUID, filters: Filters, order: Order, at_once: int = 500
) -> AsyncGenerator[list[Message]]:
    """Every message in this order, `at_once` at a time, through a server-side cursor."""
    cursor = await connection.cursor(ALL[order], user_id, *_values(filters))
    while rows := await cursor.fetch(at_once):
        yield [Message.model_construct(**row) for row in rows]


async def write(
    connection: Connection, user_id: UUID, written: Written, external_id: str | None
) -> Message | None:
    """The new message, or None when one with this external id exists already."""
    row = await connection.fetchrow(
        f"""insert into public.messages (user_id, avatar_id, channel, role, content, external_id)
        values ($1, $2, 'app', 'user', $3, $4)
        on conflict on constraint messages_external_id_key do nothing returning {MESSAGE}""",
        user_id,
        written.avatar_id,
        written.content,
        external_id,
    )
    return Message(**row) if row else None


async def put(connection: Connection, user_id: UUID, message_id: UUID, turn: Turn) -> Message | None:
    """The turn as a new message, or None when its id or its external id exists already."""
    row = await connection.fetchrow(
        f"""insert into public.messages
            (id, user_id, avatar_id, channel, role, content, external_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, clock_timestamp()))
        on conflict do nothing returning {MESSAGE}""",
        message_id,
        user_id,
        turn.avatar_id,
        turn.channel,
        turn.role,
        turn.content,
        turn.external_id,
        turn.created_at,
    )
    return Message(**row) if row else None


async def find_existing(
    connection: Connection, user_id: UUID, message_id: UUID | None, external_id: str | None
) -> Message | None:
    """The message with this id, else the one with this external id."""
    row = await connection.fetchrow(
        f"""select {MESSAGE} from public.messages where user_id = $1 and (id = $2 or external_id = $3)
        order by (id = $2) is true desc limit 1""",
        user_id,
        message_id,
        external_id,
    )
    return Message(**row) if row else None


async def delete(connection: Connection, user_id: UUID, message_id: UUID) -> bool:
    done: str = await connection.execute(
        "delete from public.messages where user_id = $1 and id = $2", user_id, message_id
    )
    return done == "DELETE 1"


def _values(filters: Filters) -> tuple[Any, ...]:
    return (
        filters.channel,
        filters.role,
        filters.avatar_id,
        filters.since,
        filters.until,
        filters.pattern(),
    )
