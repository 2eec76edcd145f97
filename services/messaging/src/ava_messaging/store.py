"""The SQL of the message log; every statement runs as the user whose rows it touches.

Decisions 0013, 0072, 0112, 0140, 0141, 0142, 0162, 0190 and 0191.
See docs/contracts/postgres.md#plans-under-a-policy.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from ava_common.caller import Caller
from ava_common.database import AccountGone, Connection, Pool, acting_as
from ava_common.problems import Problem
from ava_messaging.cursor import Position
from ava_messaging.filters import Filters, Order
from ava_messaging.messages import Correction, Message

_SAID = "channel, role, content, created_at, external_id, sent_at, edited_at, deleted_at"
MESSAGE = f"id, avatar_id, {_SAID}"

EXAMINED = 3_000
"""Among so many messages those of a page are found, fewer when their texts are long."""
# The filters exist in this function only.
PAGE = """messaging.page_4(
    p_claims => $1, p_newest_first => $2, p_channel => $3, p_role => $4, p_avatar_id => $5, p_since => $6,
    p_until => $7, p_like => $8, p_after_created_at => $9, p_after_id => $10, p_limit => $11,
    p_examined => $12)"""
# PostgreSQL renders a page, each message as it is shown; the newest page has a function that does both.
_MOMENT = (
    """replace(to_char({0} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '') as {0}"""
)
_SHOWN = ", ".join(_MOMENT.format(name) if name.endswith("_at") else name for name in MESSAGE.split(", "))
SHOWN = f"""
select coalesce(array_agg(said) filter (where not is_end), '{{}}') as found,
  min(said) filter (where is_end) as "end"
from (
  select row_to_json(shown)::text as said, is_end from {PAGE} as found, lateral (select {_SHOWN}) as shown
) as page"""
NEWEST = """select messaging.newest_page(
    p_claims => $1, p_before_created_at => $2, p_before_id => $3, p_limit => $4)"""
EXPORTED = f"select {MESSAGE} from {PAGE}"
_CORRECT = """
update public.messages set content = coalesce(new.content, ''),
  edited_at = case when new.content is null then edited_at else new.changed_at end,
  deleted_at = case when new.content is null then new.changed_at end
from (values ($3::text, $4::timestamptz)) as new (content, changed_at)
where user_id = $1 and id = $2 and deleted_at is null
  and (new.content is null or (edited_at <= new.changed_at) is not false)
"""


class NotYourAvatar(Problem):
    """You have no avatar with this id. Leave `avatar_id` out, or use the one of GET /profile/avatar."""

    status = 422


class DelegateRequired(Problem):
    """Only a service acting for a user may write here. Users write with POST /messages."""

    status = 403


@contextmanager
def refusals() -> Iterator[None]:
    """What the database refuses, in our words."""
    try:
        yield
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name == "messages_own_avatar":
            wrong = {"pointer": "#/avatar_id", "detail": "is not your avatar"}
            raise NotYourAvatar(errors=[wrong]) from None
        raise AccountGone from None
    except asyncpg.InsufficientPrivilegeError:  # the policy decides who may write what
        raise DelegateRequired from None


@asynccontextmanager
async def transaction_for(pool: Pool, caller: Caller, *, snapshot: bool = False) -> AsyncIterator[Connection]:
    """Raises NotYourAvatar, AccountGone or DelegateRequired; with `snapshot` it sees one moment only."""
    with refusals():
        async with acting_as(pool, caller, "ava_messaging", snapshot=snapshot) as connection:
            yield connection


async def find(connection: Connection, user_id: UUID, message_id: UUID) -> Message | None:
    row = await connection.fetchrow(
        f"""select {MESSAGE} from ava_private.own_account() as owner
        left join public.messages on user_id = owner and user_id = $1 and id = $2""",
        user_id,
        message_id,
    )
    return Message(**row) if row and row["id"] else None


async def page(
    pool: Pool, caller: Caller, filters: Filters, order: Order, after: Position | None, limit: int
) -> tuple[list[str], str | None]:
    """At most `limit` messages that follow `after` in this order, each as JSON.

    Where there are fewer among those that are examined for one page, also the last of these. One round trip,
    claims included.
    """
    if order == "newest" and not any(filters.chosen()):
        return await pool.fetchval(NEWEST, claims(caller), *_place(after), limit), None
    [read] = await pool.fetch(SHOWN, *_question(caller, filters, order, after, limit, EXAMINED))
    return read["found"], read["end"]


async def stream(
    connection: Connection, caller: Caller, filters: Filters, order: Order, at_once: int
) -> AsyncGenerator[list[Message]]:
    """Every message in this order, page by page; one moment's when the transaction is a snapshot."""
    after: Position | None = None
    while rows := await connection.fetch(EXPORTED, *_question(caller, filters, order, after, at_once, None)):
        after = Position(rows[-1]["created_at"], rows[-1]["id"])
        yield [Message.model_construct(**row) for row in rows]


async def correct(
    connection: Connection, user_id: UUID, message_id: UUID, correction: Correction
) -> Message | None:
    """The message as it is now, None without one; what was deleted, or edited later than this, stays."""
    change = correction.content, correction.changed_at
    await connection.execute(_CORRECT, user_id, message_id, *change)
    return await find(connection, user_id, message_id)


async def find_existing(
    connection: Connection, user_id: UUID, message_id: UUID | None, external_id: str | None
) -> Message | None:
    """The message with this id, else the one with this external id."""
    row = await connection.fetchrow(
        f"""select {MESSAGE} from messaging.find_said(
        p_user_id => $1, p_id => $2, p_external_id => $3)""",
        user_id,
        message_id,
        external_id,
    )
    return Message(**row) if row else None


async def delete(connection: Connection, user_id: UUID, message_id: UUID) -> bool:
    done: bool = await connection.fetchval(
        """with gone as (delete from public.messages where user_id = $1 and id = $2 returning id)
        select exists (select from gone) from ava_private.own_account()""",
        user_id,
        message_id,
    )
    return done


def _question(
    caller: Caller,
    filters: Filters,
    order: Order,
    after: Position | None,
    limit: int,
    examined: int | None,
) -> tuple[Any, ...]:
    """The parameters of PAGE."""
    return claims(caller), order == "newest", *filters.chosen(), *_place(after), limit, examined


def claims(caller: Caller) -> str:
    return orjson.dumps(caller.claims()).decode()


def _place(after: Position | None) -> tuple[datetime, UUID] | tuple[None, None]:
    return (after.created_at, after.id) if after else (None, None)
