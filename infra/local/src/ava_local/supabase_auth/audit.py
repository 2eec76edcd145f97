"""The trail GoTrue leaves in auth.audit_log_entries."""

from typing import Any
from uuid import UUID, uuid4

from ava_local.supabase_auth.database import Connection, Record

KINDS = {
    "login": "account",
    "logout": "account",
    "invite_accepted": "account",
    "user_signedup": "team",
    "user_invited": "team",
    "user_deleted": "team",
    "token_refreshed": "token",
    "token_revoked": "token",
}
NOBODY = UUID(int=0)


async def note(connection: Connection, actor: Record | str, action: str, **traits: Any) -> None:
    """One line: who did what. An administrator is named by role, a person by id and address."""
    if isinstance(actor, str):
        who: dict[str, Any] = {"actor_id": str(NOBODY), "actor_username": actor, "actor_via_sso": False}
    else:
        who = {
            "actor_id": str(actor["id"]),
            "actor_username": actor["email"] or "",
            "actor_via_sso": actor["is_sso_user"],
        }
    payload = {**who, "action": action, "log_type": KINDS.get(action, "user")}
    await connection.execute(
        """insert into auth.audit_log_entries (instance_id, id, payload, created_at)
           values ($1, $2, $3, now())""",
        NOBODY,
        uuid4(),
        payload | ({"traits": traits} if traits else {}),
    )
