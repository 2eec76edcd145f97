"""Deletes accounts: completely, or leaving an anonymous row with the id."""

import base64
import hashlib
from uuid import UUID

from ava_supabase_standin.accounts import sessions, user_rows
from ava_supabase_standin.database import Connection, Record
from ava_supabase_standin.requests.json_body import JsonBody


class DeleteRequest(JsonBody):
    """The body of DELETE /admin/users/{id}."""

    should_soft_delete: bool = False


async def delete(connection: Connection, user: Record) -> None:
    """Delete the row and, by cascade, everything that references it."""
    await connection.execute("delete from auth.users where id = $1", user["id"])


async def soft_delete(connection: Connection, user: Record) -> None:
    """Hash address and identity, delete metadata and password, end all sessions; safe to repeat."""
    if user["deleted_at"]:
        return
    await user_rows.update(
        connection,
        user["id"],
        **user_rows.CLEARED_TOKENS,
        email=_pseudonym(user["id"], user["email"] or ""),
        phone=_pseudonym(user["id"], user["phone"] or "")[:15],
        email_change=_pseudonym(user["id"], user["email_change"] or ""),
        encrypted_password=None,
        raw_user_meta_data={},
        raw_app_meta_data={},
        deleted_at=user_rows.now(),
    )
    for identity in await user_rows.identities(connection, user["id"]):
        name = f"{identity['provider']}:{identity['provider_id']}"
        await connection.execute(
            "update auth.identities set identity_data = '{}', provider_id = $2 where id = $1",
            identity["id"],
            _pseudonym(user["id"], name),
        )
    await sessions.end_sessions(connection, user["id"], None, "global")


def _pseudonym(user_id: UUID, value: str) -> str:
    digest = hashlib.sha256(f"{user_id}{value}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
