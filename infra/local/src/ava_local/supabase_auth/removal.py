"""Deleting accounts: for good, or leaving an empty shell with the id."""

import base64
import hashlib
from uuid import UUID

from ava_local.supabase_auth import accounts, sessions
from ava_local.supabase_auth.database import Connection, Record
from ava_local.supabase_auth.requests import Body


class Deletion(Body):
    """The body of DELETE /admin/users/{id}."""

    should_soft_delete: bool = False


async def remove(connection: Connection, person: Record) -> None:
    """The row goes, and by cascade everything that hangs on it."""
    await connection.execute("delete from auth.users where id = $1", person["id"])


async def soften(connection: Connection, person: Record) -> None:
    """Address and identity become hashes, metadata and password go, sessions end; twice is as once."""
    if person["deleted_at"]:
        return
    await accounts.update(
        connection,
        person["id"],
        **accounts.NO_TOKENS,
        email=_hidden(person["id"], person["email"] or ""),
        phone=_hidden(person["id"], person["phone"] or "")[:15],
        email_change=_hidden(person["id"], person["email_change"] or ""),
        encrypted_password=None,
        raw_user_meta_data={},
        raw_app_meta_data={},
        deleted_at=accounts.now(),
    )
    for identity in await accounts.identities(connection, person["id"]):
        name = f"{identity['provider']}:{identity['provider_id']}"
        await connection.execute(
            "update auth.identities set identity_data = '{}', provider_id = $2 where id = $1",
            identity["id"],
            _hidden(person["id"], name),
        )
    await sessions.end(connection, person["id"], None, "global")


def _hidden(user_id: UUID, value: str) -> str:
    digest = hashlib.sha256(f"{user_id}{value}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
