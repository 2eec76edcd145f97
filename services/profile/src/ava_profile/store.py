"""The SQL of the profile service; every statement runs as the user whose rows it touches.

Decisions 0093 and 0112.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from ava_common.caller import Caller
from ava_common.database import GONE, AccountGone, Connection, Pool, acting_as
from ava_common.log import log
from ava_common.problems import DatabaseAway
from ava_profile.avatar_fields import Avatar, AvatarChange, AvatarDraft
from ava_profile.link_code import LinkCode
from ava_profile.preference_fields import PhoneTaken, Preferences, WhatsAppIdentity

AVATAR = "id, name, age, personality::text, physical_description, created_at"
IDENTITY = """number, business_scoped_id, username, first_seen_at,
    former_numbers, former_business_scoped_ids"""
PREFERENCES = """whatsapp_phone, whatsapp_linked_at,
    case when whatsapp_code_expires_at > now() then whatsapp_pending_phone end as whatsapp_pending_phone"""


@asynccontextmanager
async def transaction_for(pool: Pool, caller: Caller) -> AsyncIterator[Connection]:
    """A transaction as the caller. Raises AccountGone when the account goes while something is stored for it.

    Every statement asks `ava_private.own_account()`, which fails when it is gone already.
    """
    try:
        async with acting_as(pool, caller, "ava_profile") as connection:
            yield connection
    except asyncpg.ForeignKeyViolationError:
        raise AccountGone from None


@asynccontextmanager
async def _whole_link() -> AsyncIterator[None]:
    """A link changes with all that follows from it, or not at all. Raises PhoneTaken or DatabaseAway."""
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise PhoneTaken from None
    except (asyncpg.ForeignKeyViolationError, GONE):
        raise
    except asyncpg.PostgresError as error:
        log.warning("link.unchanged", why=type(error).__name__, exc_info=True)
        raise DatabaseAway from None


async def find_avatar(connection: Connection, user_id: UUID, *, lock: bool = False) -> Avatar | None:
    """The user's avatar; with `lock` no other transaction changes it before this one ends."""
    if lock:
        await connection.execute("select from public.avatars where user_id = $1 for update", user_id)
    row = await connection.fetchrow(
        f"""select {AVATAR} from ava_private.own_account() as owner
        left join public.avatars on user_id = owner and user_id = $1""",
        user_id,
    )
    return _avatar(row)


async def create_avatar(connection: Connection, user_id: UUID, draft: AvatarDraft) -> Avatar | None:
    """The new avatar, or None when the user has one already."""
    await _ensure_user(connection)
    row = await connection.fetchrow(
        f"""insert into public.avatars (user_id, name, age, personality, physical_description)
        values ($1, $2, $3, $4::text::public.personality, $5)
        on conflict on constraint avatars_one_per_person do nothing returning {AVATAR}""",
        user_id,
        *_values(draft),
    )
    return Avatar(**row) if row else None


async def put_avatar(connection: Connection, user_id: UUID, draft: AvatarDraft) -> tuple[Avatar, bool]:
    """The avatar as described, and whether it is new; a replaced one keeps its id and creation time."""
    await _ensure_user(connection)
    [row] = await connection.fetch(
        f"""insert into public.avatars (user_id, name, age, personality, physical_description)
        values ($1, $2, $3, $4::text::public.personality, $5)
        on conflict on constraint avatars_one_per_person do update
            set name = excluded.name, age = excluded.age, personality = excluded.personality,
                physical_description = excluded.physical_description
        returning {AVATAR}, xmax = 0 as created""",
        user_id,
        *_values(draft),
    )
    return Avatar(**row), row["created"]


async def change_avatar(connection: Connection, user_id: UUID, change: AvatarChange) -> Avatar | None:
    row = await connection.fetchrow(
        f"""with changed as (
            update public.avatars set name = coalesce($2, name), age = coalesce($3, age),
                personality = coalesce($4::text::public.personality, personality),
                physical_description = coalesce($5, physical_description)
            where user_id = $1 returning {AVATAR})
        select changed.* from ava_private.own_account() left join changed on true""",
        user_id,
        *change.model_dump(mode="json").values(),
    )
    return _avatar(row)


async def delete_avatar(connection: Connection, user_id: UUID) -> bool:
    done: bool = await connection.fetchval(
        """with gone as (delete from public.avatars where user_id = $1 returning id)
        select exists (select from gone) from ava_private.own_account()""",
        user_id,
    )
    return done


async def find_preferences(connection: Connection, user_id: UUID) -> Preferences:
    row = await connection.fetchrow(
        f"""select {PREFERENCES}, hidden.linked_at as hidden_linked_at
        from ava_private.own_account() as owner
        left join public.user_preferences as mine on mine.user_id = owner and mine.user_id = $1
        left join profile.hidden_number_links as hidden on hidden.user_id = owner""",
        user_id,
    )
    found = dict(row or {})
    hidden_linked_at = found.pop("hidden_linked_at", None)
    return Preferences(**found | ({"whatsapp_linked_at": hidden_linked_at} if hidden_linked_at else {}))


async def whatsapp_identities(connection: Connection) -> list[WhatsAppIdentity]:
    rows = await connection.fetch(
        f"select {IDENTITY} from ava_private.own_account() as owner"
        " left join ava_private.own_whatsapp_identities() on true"
    )
    return [WhatsAppIdentity(**row) for row in rows if row["first_seen_at"]]


async def link_phone(connection: Connection, user_id: UUID, phone: str) -> Preferences:
    """Link the number and drop a pending one; linking it again changes nothing. Raises PhoneTaken."""
    await _ensure_user(connection)
    async with _whole_link():
        row = await connection.fetchrow(
            f"""insert into public.user_preferences as mine (user_id, whatsapp_phone, whatsapp_linked_at)
            values ($1, $2, now())
            on conflict (user_id) do update set whatsapp_phone = excluded.whatsapp_phone,
                whatsapp_linked_at = case when mine.whatsapp_phone = excluded.whatsapp_phone
                    then mine.whatsapp_linked_at else excluded.whatsapp_linked_at end,
                whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null
            returning {PREFERENCES}""",
            user_id,
            phone,
        )
    return Preferences(**row) if row else Preferences()


async def put_pending_link(connection: Connection, user_id: UUID, phone: str, code: LinkCode) -> None:
    """Store the number as pending with its code. Ends an earlier code; a linked number stays linked."""
    await _ensure_user(connection)
    await connection.execute(
        """insert into public.user_preferences
            (user_id, whatsapp_pending_phone, whatsapp_code_hash, whatsapp_code_expires_at)
        values ($1, $2, $3, $4)
        on conflict (user_id) do update set whatsapp_pending_phone = excluded.whatsapp_pending_phone,
            whatsapp_code_hash = excluded.whatsapp_code_hash,
            whatsapp_code_expires_at = excluded.whatsapp_code_expires_at""",
        user_id,
        phone,
        code.digest(user_id),
        code.expires_at,
    )


async def unlink_phone(connection: Connection, user_id: UUID) -> None:
    async with _whole_link():
        await connection.execute(
            """with unlinked as (
                update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null,
                    whatsapp_pending_phone = null, whatsapp_code_hash = null, whatsapp_code_expires_at = null
                where user_id = $1)
            select from ava_private.own_account()""",
            user_id,
        )


async def _ensure_user(connection: Connection) -> None:
    """Add the row in public.users where the sign-up trigger, which never fails a sign-up, could not."""
    await connection.execute(
        "insert into public.users (id) values (ava_private.own_account()) on conflict (id) do nothing"
    )


def _avatar(row: asyncpg.Record | None) -> Avatar | None:
    return Avatar(**row) if row and row["id"] else None


def _values(draft: AvatarDraft) -> tuple[str, int, str, str]:
    return draft.name, draft.age, draft.personality.value, draft.physical_description
