"""Accounts straight in the database, as Supabase Auth leaves them; a trigger adds public.users."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

_INSERT = """
insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
  banned_until, confirmation_token, recovery_token, email_change_token_new, email_change,
  raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
select '00000000-0000-0000-0000-000000000000', id, 'authenticated', 'authenticated', email, password_hash,
  now(), banned_until::timestamptz, '', '', '', '',
  '{"provider":"email","providers":["email"]}', '{}', now(), now()
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
  as account (id, email, password_hash, banned_until)
"""


@dataclass(frozen=True)
class Account:
    """A confirmed account; without an e-mail address it gets one of its own."""

    id: UUID
    email: str | None = None
    password_hash: str = ""
    banned_until: str | None = None


async def insert_accounts(connection: asyncpg.Connection, accounts: Sequence[Account]) -> None:
    """Needs a login that may write auth.users: supabase_auth_admin, or the superuser."""
    await connection.execute(
        _INSERT,
        [one.id for one in accounts],
        [one.email or f"{one.id}@people.example" for one in accounts],
        [one.password_hash for one in accounts],
        [one.banned_until for one in accounts],
    )
