"""A migrated database seeded with three people, and every actor who may try to reach their rows."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from ava_local.testing.databases import (
    Database,
    drop_database,
    migrated_template,
    new_database,
    temporary_cluster,
)

VERSIONS = (18, 16)


@dataclass(frozen=True)
class Actor:
    """Who asks: a login, the role it takes on, and what it says about itself (None: no claims at all)."""

    login: str
    role: str
    claims: dict[str, Any] | None = None


@dataclass
class SeededDatabase:
    """Alice and Bob have an avatar, a linked number and two messages each; Carol has only an account."""

    database: Database
    alice: UUID
    bob: UUID
    carol: UUID
    alices_phone: str = "+4915112345678"
    bobs_phone: str = "+4915187654321"
    names: dict[str, str] = field(default_factory=dict)
    connections: dict[str, asyncpg.Connection] = field(default_factory=dict)

    async def connection(self, login: str) -> asyncpg.Connection:
        if login not in self.connections:
            self.connections[login] = await asyncpg.connect(self.database.url(login))
        return self.connections[login]

    @asynccontextmanager
    async def acting_as(self, actor: Actor) -> AsyncIterator[asyncpg.Connection]:
        """One transaction as this actor, as PostgREST and the services open it; always rolled back."""
        connection = await self.connection(actor.login)
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(
                "select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)",
                actor.role,
                "" if actor.claims is None else json.dumps(actor.claims),
            )
            yield connection
        finally:
            await transaction.rollback()

    async def outcome(self, actor: Actor, sql: str) -> str:
        """refused (no privilege), nothing (no row affected), done, taken (a unique key), or the SQLSTATE."""
        async with self.acting_as(actor) as connection:
            return await self.outcome_of(connection, sql)

    async def outcome_of(self, connection: asyncpg.Connection, sql: str) -> str:
        names = {"42501": "refused", "23505": "taken"}
        try:
            async with connection.transaction():
                status = await connection.execute(sql.format_map(self.names))
        except asyncpg.PostgresError as problem:
            return names.get(problem.sqlstate, problem.sqlstate)
        return "nothing" if status.endswith(" 0") else "done"

    def actor(self, login: str, role: str, claims: dict[str, Any] | None = None) -> Actor:
        return Actor(login, role, claims)

    def person(self, who: UUID, service: str | None = None, **more: Any) -> Actor:
        """Through the Data API, or through the role of a service that acts as this person."""
        claims = {"sub": str(who), "role": "authenticated"} | more
        return Actor(service, service, claims) if service else Actor("authenticator", "authenticated", claims)

    def delegate(self, who: UUID, service: str) -> Actor:
        """A service that the gateway asked in this person's name."""
        return self.person(who, service, act={"sub": "whatsapp-gateway"})


async def seed(database: Database) -> SeededDatabase:
    """Fill a migrated database with three people and their rows."""
    alice, bob, carol = [await database.person() for _ in range(3)]
    seeded = SeededDatabase(database, alice, bob, carol)
    seeded.names |= {"alice": str(alice), "bob": str(bob), "carol": str(carol)}
    for name, person, phone in (("alice", alice, seeded.alices_phone), ("bob", bob, seeded.bobs_phone)):
        [avatar] = await database.admin(
            "insert into public.avatars (user_id, name, age, personality, physical_description)"
            " values ($1, $2, 30, 'warm', 'as they like it') returning id",
            person,
            f"{name}'s",
        )
        await database.admin(
            "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
            " values ($1, $2, now())",
            person,
            phone,
        )
        messages = await database.admin(
            "insert into public.messages (user_id, avatar_id, channel, role, content, external_id)"
            " select $1, $2, 'app', said.role, $3 || ' secret ' || said.role, 'app:' || said.role"
            " from (values ('user'), ('assistant')) as said (role) returning id",
            person,
            avatar["id"],
            name,
        )
        seeded.names[f"{name}s_avatar"] = str(avatar["id"])
        seeded.names[f"{name}s_message"] = str(messages[0]["id"])
        seeded.names[f"{name}s_phone"] = phone
    await database.admin("analyze")
    return seeded


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=VERSIONS, ids=lambda v: f"pg{v}")
async def versioned(processes: None, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """The migrated template on each PostgreSQL version of the wheel."""
    with temporary_cluster(request.param) as running:
        yield await migrated_template(running)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seeded(versioned: Database) -> AsyncIterator[SeededDatabase]:
    """Shared by all tests that leave nothing behind, on each PostgreSQL version."""
    made = await seed(await new_database(versioned.cluster, "seeded", template=versioned.name))
    yield made
    for connection in made.connections.values():
        await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_seeded(versioned: Database) -> AsyncIterator[SeededDatabase]:
    """A seeded database for one test that changes it."""
    made = await seed(await new_database(versioned.cluster, "fresh_seeded", template=versioned.name))
    yield made
    for connection in made.connections.values():
        await connection.close()
    await drop_database(versioned.cluster, "fresh_seeded")
