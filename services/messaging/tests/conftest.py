"""The messaging service as a test meets it: over HTTP, with a database of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from uuid import UUID, uuid4

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import Issuer
from ava_messaging.app import create_app
from ava_messaging.settings import Settings

Delegate = Callable[[UUID | str], dict[str, str]]
CreateAvatar = Callable[[UUID], Awaitable[UUID]]
LogRow = tuple[int, str, str, str] | tuple[int, str, str, str, UUID | None]
FillLog = Callable[[UUID, Sequence[LogRow]], Awaitable[None]]


@pytest.fixture
def settings(database: Database, issuer: Issuer) -> Settings:
    own = {"database_url": database.url("ava_messaging")}
    return Settings.model_validate({"supabase_url": issuer.url, "auth_url": issuer.url, **own})


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_started(create_app(settings)) as client:
        yield client


@pytest.fixture
def delegate(issuer: Issuer) -> Delegate:
    """The headers of the gateway acting for a person."""
    return lambda user: {"Authorization": f"Bearer {issuer.delegated(user)}"}


@pytest.fixture
def create_avatar(database: Database) -> CreateAvatar:
    """Creates an avatar for a person, which messaging itself cannot; returns its id."""

    async def create(user: UUID) -> UUID:
        avatar = uuid4()
        await database.admin(
            "insert into public.avatars (id, user_id, name, age, personality, physical_description)"
            " values ($1, $2, 'Mira', 27, 'witty', '')",
            avatar,
            user,
        )
        return avatar

    return create


@pytest.fixture
def fill_log(database: Database) -> FillLog:
    """Fills a person's log in the database: rows of (minute, channel, role, content[, avatar])."""

    async def fill(user: UUID, rows: Sequence[LogRow]) -> None:
        columns = list(zip(*((*row, None)[:5] for row in rows), strict=True))
        await database.admin(
            "insert into public.messages (user_id, created_at, channel, role, content, avatar_id)"
            " select $1, timestamptz '2026-01-01T00:00:00Z' + minute * interval '1 minute', c, r, t, a"
            " from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::uuid[]) x(minute, c, r, t, a)",
            user,
            *columns,
        )

    return fill
