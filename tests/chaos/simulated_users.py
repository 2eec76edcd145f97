"""Creates accounts with linked numbers straight in the database: signing up is not what a run tests."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

from ava_local.testing.accounts import Account, insert_accounts


@dataclass(frozen=True)
class SimulatedUser:
    """A user with a linked phone number; every text they send is unique."""

    id: UUID
    number: str
    index: int

    def text(self, nth: int) -> str:
        """The text of their nth message."""
        return f"message {nth} of user {self.index}"


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
            await insert_accounts(connection, [Account(user.id) for user in users])
            await connection.execute(_NUMBERS, ids, numbers)
            await connection.execute(_AVATARS, ids[::2])
    finally:
        await connection.close()
    return users


async def create_heirs(database_url: str, count: int) -> list[SimulatedUser]:
    """Accounts without a number."""
    heirs = [SimulatedUser(uuid4(), "", index) for index in range(count)]
    connection = await asyncpg.connect(database_url)
    try:
        await insert_accounts(connection, [Account(heir.id) for heir in heirs])
    finally:
        await connection.close()
    return heirs
