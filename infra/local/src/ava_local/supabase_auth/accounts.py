"""Rows of auth.users and auth.identities, written as GoTrue 2.196 would write them (contract section 3.5)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from ava_local.supabase_auth.database import Connection, Record

NOBODY = UUID(int=0)
Meta = dict[str, Any]
NO_TOKENS: dict[str, Any] = {
    "confirmation_token": "",
    "confirmation_sent_at": None,
    "recovery_token": "",
    "recovery_sent_at": None,
    "email_change_token_current": "",
    "email_change_token_new": "",
    "email_change_sent_at": None,
    "phone_change_token": "",
    "phone_change_sent_at": None,
    "reauthentication_token": "",
    "reauthentication_sent_at": None,
}


def now() -> datetime:
    return datetime.now(UTC)


async def find(connection: Connection, user_id: UUID) -> Record | None:
    return await connection.fetchrow(
        "select * from auth.users where instance_id = $1 and id = $2", NOBODY, user_id
    )


async def find_by_email(connection: Connection, email: str, audience: str) -> Record | None:
    return await connection.fetchrow(
        """select * from auth.users
           where instance_id = $1 and lower(email) = $2 and aud = $3 and not is_sso_user""",
        NOBODY,
        email.lower(),
        audience,
    )


async def find_by_token(connection: Connection, columns: tuple[str, ...], token_hash: str) -> Record | None:
    """The user holding this one-time token in one of the columns, locked so that it is redeemed once."""
    holds = " or ".join(f"{column} = $2" for column in columns)
    query = f"select * from auth.users where instance_id = $1 and ({holds}) and $2 <> '' for update"  # noqa: S608 - our names
    return await connection.fetchrow(query, NOBODY, token_hash)


async def create(
    connection: Connection,
    *,
    email: str,
    hashed: str | None,
    audience: str,
    metadata: Meta,
    user_id: UUID | None = None,
    role: str = "authenticated",
) -> Record:
    """A new person without identity; token columns are '' and never NULL, or GoTrue cannot read it."""
    row = await connection.fetchrow(
        """insert into auth.users (instance_id, id, aud, role, email, encrypted_password, confirmation_token,
             recovery_token, email_change_token_new, email_change, raw_app_meta_data, raw_user_meta_data,
             created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, '', '', '', '', $7, $8, now(), now()) returning *""",
        NOBODY,
        user_id or uuid4(),
        audience,
        role,
        email,
        hashed,
        {"provider": "email", "providers": ["email"]},
        metadata,
    )
    assert row
    return row


async def update(connection: Connection, user_id: UUID, **columns: Any) -> Record:
    """Set columns (named in code, never by a caller) and read the whole row back."""
    names = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, start=2))
    query = f"update auth.users set {names}, updated_at = now() where id = $1 returning *"  # noqa: S608 - our names
    row = await connection.fetchrow(query, user_id, *columns.values())
    assert row
    return row


async def merge(connection: Connection, user: Record, column: str, changes: Meta) -> Record:
    """Merge metadata key by key; a null deletes its key."""
    merged = {**(user[column] or {}), **changes}
    return await update(
        connection,
        user["id"],
        **{column: {name: value for name, value in merged.items() if value is not None}},
    )


async def confirm(connection: Connection, user: Record) -> Record:
    """The address is now theirs; the flag also lands in user-editable metadata, as upstream does it."""
    await update(connection, user["id"], confirmation_token="", email_confirmed_at=now())
    return await merge(connection, user, "raw_user_meta_data", {"email_verified": True})


async def ban(connection: Connection, user: Record, duration: timedelta) -> Record:
    """A zero duration lifts the ban."""
    return await update(connection, user["id"], banned_until=now() + duration if duration else None)


def is_banned(user: Record) -> bool:
    return user["banned_until"] is not None and user["banned_until"] > now()


async def identities(connection: Connection, user_id: UUID) -> list[Record]:
    return await connection.fetch(
        "select * from auth.identities where user_id = $1 order by created_at", user_id
    )


async def add_identity(
    connection: Connection, user_id: UUID, email: str, data: Meta, *, verified: bool = False
) -> Record:
    """The e-mail identity; what the person sent never overrides the four reserved names."""
    known = {"sub": str(user_id), "email": email, "email_verified": verified, "phone_verified": False}
    row = await connection.fetchrow(
        """insert into auth.identities
             (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at, id)
           values ($1, $2, $3, 'email', now(), now(), now(), $4) returning *""",
        str(user_id),
        user_id,
        {**data, **known},
        uuid4(),
    )
    assert row
    return row


async def change_identity(connection: Connection, user_id: UUID, changes: Meta) -> bool:
    """Merge into the e-mail identity's data; False when there is none."""
    changed = await connection.fetchval(
        """update auth.identities set identity_data = identity_data || $2, updated_at = now()
           where user_id = $1 and provider = 'email' returning true""",
        user_id,
        changes,
    )
    return bool(changed)


async def name_providers(connection: Connection, user: Record) -> Record:
    """app_metadata tells which providers the identities come from."""
    providers = list(dict.fromkeys(row["provider"] for row in await identities(connection, user["id"])))
    first = {"provider": providers[0]} if providers else {}
    return await merge(connection, user, "raw_app_meta_data", {"providers": providers, **first})
