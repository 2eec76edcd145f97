"""Creates accounts with linked numbers straight in the database: signing up is not what a run tests."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg


@dataclass(frozen=True)
class SimulatedUser:
    """A user with a linked phone number; every text they send is unique."""

    id: UUID
    number: str
    index: int

    def text(self, nth: int) -> str:
        """The text of their nth message."""
        return f"message {nth} of user {self.index}"


_ACCOUNTS = """
insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
  confirmation_token, recovery_token, email_change, email_change_token_new,
  raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
select '00000000-0000-0000-0000-000000000000', id, 'authenticated', 'authenticated', id || '@people.example',
  '', now(), '', '', '', '', '{"provider":"email","providers":["email"]}', '{}', now(), now()
from unnest($1::uuid[]) as id
"""
_NUMBERS = """
insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)
select id, number, now() from unnest($1::uuid[], $2::text[]) as person (id, number)
"""
# Every other user has an avatar: the echo must come with and without one.
_AVATARS = """
insert into public.avatars (user_id, name, age, personality, physical_description)
select id, 'Ava', 27, 'warm', 'A green coat.' from unnest($1::uuid[]) as id
"""


async def create_users(database_url: str, count: int) -> list[SimulatedUser]:
    """Create them, as the database's administrator."""
    users = [SimulatedUser(uuid4(), f"+49151100{index:05d}", index) for index in range(count)]
    ids, numbers = [user.id for user in users], [person.number for person in users]
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(_ACCOUNTS, ids)
            await connection.execute(_NUMBERS, ids, numbers)
            await connection.execute(_AVATARS, ids[::2])
    finally:
        await connection.close()
    return users
