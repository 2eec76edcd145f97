"""Stores a new password and ends what depended on the old one."""

from ava_supabase_standin.accounts import sessions, user_rows
from ava_supabase_standin.database import Connection, Record


async def set_password(
    connection: Connection, user: Record, password_hash: str | None, session: Record | None
) -> Record:
    """Store it, delete every pending one-time token, end every session except this one."""
    changed = await user_rows.update(
        connection, user["id"], encrypted_password=password_hash, **user_rows.CLEARED_TOKENS
    )
    await sessions.end_sessions(connection, user["id"], session["id"] if session else None, "others")
    return changed
