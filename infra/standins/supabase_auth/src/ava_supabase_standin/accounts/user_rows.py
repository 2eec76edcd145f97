"""SQL on auth.users and auth.identities, writing rows as GoTrue 2.196 does.

Decision 0020. See docs/contracts/supabase-auth.md#rows.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from ava_supabase_standin.database import Connection, Record

NIL_UUID = UUID(int=0)
Metadata = dict[str, Any]
CLEARED_TOKENS: dict[str, Any] = {
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
        "select * from auth.users where instance_id = $1 and id = $2", NIL_UUID, user_id
    )


async def find_by_email(connection: Connection, email: str, audience: str) -> Record | None:
    return await connection.fetchrow(
        """select * from auth.users
           where instance_id = $1 and lower(email) = $2 and aud = $3 and not is_sso_user""",
        NIL_UUID,
        email.lower(),
        audience,
    )


async def find_by_token(connection: Connection, columns: tuple[str, ...], token_hash: str) -> Record | None:
    """The user with this one-time token in one of the columns, locked so that it is redeemed only once."""
    matches = " or ".join(f"{column} = $2" for column in columns)
    query = f"select * from auth.users where instance_id = $1 and ({matches}) and $2 <> '' for update"  # noqa: S608 - column names from code
    return await connection.fetchrow(query, NIL_UUID, token_hash)


async def create(
    connection: Connection,
    *,
    email: str,
    password_hash: str | None,
    audience: str,
    metadata: Metadata,
    user_id: UUID | None = None,
    role: str = "authenticated",
) -> Record:
    """A new user without an identity; token columns are '' and never NULL, or GoTrue cannot read them."""
    row = await connection.fetchrow(
        """insert into auth.users (instance_id, id, aud, role, email, encrypted_password, confirmation_token,
             recovery_token, email_change_token_new, email_change, raw_app_meta_data, raw_user_meta_data,
             created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, '', '', '', '', $7, $8, now(), now()) returning *""",
        NIL_UUID,
        user_id or uuid4(),
        audience,
        role,
        email,
        password_hash,
        {"provider": "email", "providers": ["email"]},
        metadata,
    )
    assert row
    return row


async def update(connection: Connection, user_id: UUID, **columns: Any) -> Record:
    """Set columns (named in code, never by a caller) and return the whole row."""
    names = ", ".join(f"{name} = ${position}" for position, name in enumerate(columns, start=2))
    query = f"update auth.users set {names}, updated_at = now() where id = $1 returning *"  # noqa: S608 - column names from code
    row = await connection.fetchrow(query, user_id, *columns.values())
    assert row
    return row


async def merge_metadata(connection: Connection, user: Record, column: str, changes: Metadata) -> Record:
    """Merge metadata key by key; a null deletes its key."""
    merged = {**(user[column] or {}), **changes}
    return await update(
        connection,
        user["id"],
        **{column: {name: value for name, value in merged.items() if value is not None}},
    )


async def confirm_email(connection: Connection, user: Record) -> Record:
    """Confirm the e-mail address; the flag also goes into user-editable metadata, as upstream does."""
    await update(connection, user["id"], confirmation_token="", email_confirmed_at=now())
    return await merge_metadata(connection, user, "raw_user_meta_data", {"email_verified": True})


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
    connection: Connection, user_id: UUID, email: str, data: Metadata, *, verified: bool = False
) -> Record:
    """The e-mail identity; metadata the user sent never overrides the four reserved names."""
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


async def update_identity(connection: Connection, user_id: UUID, changes: Metadata) -> bool:
    """Merge into the e-mail identity's data; False if there is none."""
    changed = await connection.fetchval(
        """update auth.identities set identity_data = identity_data || $2, updated_at = now()
           where user_id = $1 and provider = 'email' returning true""",
        user_id,
        changes,
    )
    return bool(changed)


async def update_providers(connection: Connection, user: Record) -> Record:
    """Write the providers of the identities into app_metadata."""
    providers = list(dict.fromkeys(row["provider"] for row in await identities(connection, user["id"])))
    first = {"provider": providers[0]} if providers else {}
    return await merge_metadata(connection, user, "raw_app_meta_data", {"providers": providers, **first})
