"""The JSON of users, identities and token responses."""

from datetime import UTC, datetime
from typing import Any

from ava_supabase_standin.database import Record

TIMESTAMP_FIELDS = (
    "email_confirmed_at",
    "invited_at",
    "phone_confirmed_at",
    "confirmation_sent_at",
    "confirmed_at",
    "recovery_sent_at",
    "email_change_sent_at",
    "phone_change_sent_at",
    "reauthentication_sent_at",
    "last_sign_in_at",
    "banned_until",
    "deleted_at",
)
Json = dict[str, Any]


def rfc3339(when: datetime) -> str:
    """RFC 3339 in UTC, fraction without trailing zeros, as Go writes it."""
    text = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


def user_body(user: Record, identities: list[Record] | None) -> Json:
    """A User; null values are left out. Without identities that field is `null`, as in lists."""
    body: Json = {
        "id": str(user["id"]),
        "aud": user["aud"] or "",
        "role": user["role"] or "",
        "email": user["email"] or "",
        "phone": user["phone"] or "",
    }
    body |= {name: rfc3339(user[name]) for name in TIMESTAMP_FIELDS if user[name] is not None}
    if user["email_change"]:
        body["new_email"] = user["email_change"]
    body |= {
        "app_metadata": user["raw_app_meta_data"] or {},
        "user_metadata": user["raw_user_meta_data"] or {},
        "identities": None if identities is None else [identity_body(row) for row in identities],
        "created_at": rfc3339(user["created_at"]),
        "updated_at": rfc3339(user["updated_at"]),
        "is_anonymous": user["is_anonymous"],
    }
    return body


def identity_body(row: Record) -> Json:
    """An Identity; `id` and `identity_id` are swapped against the columns, for old clients."""
    body: Json = {
        "identity_id": str(row["id"]),
        "id": row["provider_id"],
        "user_id": str(row["user_id"]),
        "identity_data": row["identity_data"],
        "provider": row["provider"],
        "created_at": rfc3339(row["created_at"]),
        "updated_at": rfc3339(row["updated_at"]),
    }
    if row["last_sign_in_at"]:
        body["last_sign_in_at"] = rfc3339(row["last_sign_in_at"])
    if row["email"]:
        body["email"] = row["email"]
    return body


def token_body(access_token: str, expires_at: int, lifetime: int, refresh_token: str, user: Json) -> Json:
    """An AccessTokenResponse."""
    return {
        "access_token": access_token,
        "token_type": "bearer",
        "expires_in": lifetime,
        "expires_at": expires_at,
        "refresh_token": refresh_token,
        "user": user,
    }
