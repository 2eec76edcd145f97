"""Writes auth.audit_log_entries as GoTrue does."""

from typing import Any
from uuid import uuid4

from ava_supabase_standin.accounts.user_rows import NIL_UUID
from ava_supabase_standin.database import Connection, Record

LOG_TYPES = {
    "login": "account",
    "logout": "account",
    "invite_accepted": "account",
    "user_signedup": "team",
    "user_invited": "team",
    "user_deleted": "team",
    "token_refreshed": "token",
    "token_revoked": "token",
}


async def record(connection: Connection, actor: Record | str, action: str, **traits: Any) -> None:
    """One entry: who did what. An administrator is identified by role, a user by id and address."""
    if isinstance(actor, str):
        who: dict[str, Any] = {"actor_id": str(NIL_UUID), "actor_username": actor, "actor_via_sso": False}
    else:
        who = {
            "actor_id": str(actor["id"]),
            "actor_username": actor["email"] or "",
            "actor_via_sso": actor["is_sso_user"],
        }
    payload = who | {"action": action, "log_type": LOG_TYPES.get(action, "user")}
    payload |= {"traits": traits} if traits else {}
    await connection.execute(
        """insert into auth.audit_log_entries (instance_id, id, payload, created_at)
           values ($1, $2, $3, now())""",
        *(NIL_UUID, uuid4(), payload),
    )
