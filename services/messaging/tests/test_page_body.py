"""A page is rendered in the database: the same bytes as its messages have one by one."""

import json
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import CreateAvatar

CONTROL = "".join(map(chr, range(1, 32)))
CONTENTS = [
    "Good morning",
    f"{CONTROL}\x7f",
    'a "quote", a \\ and a /',
    "Grüße 👋 \u2028\u2029\ufeff",
    "<b>&amp;</b>",
]
WHOLE, HALF, LAST = (
    datetime(2026, 1, 31, 12, tzinfo=UTC),
    datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC),
    datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
)
_INSERT = """insert into public.messages
(user_id, avatar_id, channel, role, content, created_at, external_id, sent_at, edited_at, deleted_at)
values ($1, $2, $3, 'user', $4, $5, $6, $7, $8, $9)"""


@pytest.fixture
async def me(database: Database, issuer: Issuer, create_avatar: CreateAvatar) -> dict[str, str]:
    """A user with every kind of message in their log."""
    user = await database.person()
    avatar: UUID = await create_avatar(user)
    for content, moment in zip(
        CONTENTS, [WHOLE, HALF, LAST, datetime(2, 1, 1, tzinfo=UTC), LAST], strict=True
    ):
        await database.admin(_INSERT, user, None, "app", content, moment, None, None, None, None)
    changed = [(HALF, None, None), (WHOLE, LAST, None), (WHOLE, HALF, LAST)]
    for number, (sent_at, edited_at, deleted_at) in enumerate(changed):
        said = (
            "whatsapp",
            "" if deleted_at else "words",
            LAST,
            f'wamid."{number}"',
            sent_at,
            edited_at,
            deleted_at,
        )
        await database.admin(_INSERT, user, avatar, *said)
    return issuer.bearer(user)


@pytest.mark.parametrize("query", ["", "?order=oldest", "?since=0002-01-01T00:00:00Z"])
async def test_a_page_has_the_bytes_of_its_messages(
    client: httpx.AsyncClient, me: dict[str, str], query: str
) -> None:
    """The newest page, which has a function of its own, the oldest, and one with a filter."""
    page = await client.get(f"/messages{query}", headers=me)
    one_by_one = [
        (await client.get(f"/messages/{message['id']}", headers=me)).content
        for message in page.json()["messages"]
    ]
    assert len(one_by_one) == 8
    assert page.content == b'{"messages":[' + b",".join(one_by_one) + b'],"next":null}'


@pytest.mark.parametrize("query", ["limit=1", "limit=1&order=oldest", "limit=1&since=0002-01-01T00:00:00Z"])
async def test_cursors_lead_through_the_whole_log(
    client: httpx.AsyncClient, me: dict[str, str], query: str
) -> None:
    whole = (await client.get(f"/messages?{query}".replace("limit=1", "limit=200"), headers=me)).json()
    found: list[object] = []
    following: str | None = ""
    while following is not None:
        page = json.loads((await client.get(f"/messages?{query}{following}", headers=me)).content)
        found += page["messages"]
        following = f"&cursor={page['next']}" if page["next"] else None
    assert found == whole["messages"]
