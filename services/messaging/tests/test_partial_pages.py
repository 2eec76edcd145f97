"""A page is found among so many messages, and what follows goes on behind the last one looked at."""

import itertools

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer
from ava_messaging import store

from .conftest import CreateAvatar, FillLog
from .paging import pages

VALUES = {"channel": "app", "role": "user", "since": "2026-01-01T00:04:00Z", "text": "rare"}
COMBINATIONS = [
    chosen for length in range(len(VALUES) + 1) for chosen in itertools.combinations(VALUES, length)
]


@pytest.fixture(params=[1, 5, 7, 23, 24, 25])
def examined(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many messages a page is found among; the log has 24."""
    monkeypatch.setattr(store, "EXAMINED", request.param)
    return int(request.param)


@pytest.fixture
async def me(database: Database, issuer: Issuer, fill_log: FillLog) -> dict[str, str]:
    """A user with 24 messages, two of them in the same instant; every eighth has a rare word."""
    user = await database.person()
    words = ["usual", "RARE"]
    rows = [
        (minute - minute % 2, ("app", "whatsapp")[minute % 3 > 0], ("user", "assistant")[minute % 2],
         f"{minute} {words[minute % 8 == 0]}")
        for minute in range(24)
    ]  # fmt: skip
    await fill_log(user, rows)
    return issuer.bearer(user)


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_pages_of_every_combination_find_all_that_matches_once(
    client: httpx.AsyncClient,
    me: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    examined: int,
    order: str,
    limit: int,
) -> None:
    for chosen in COMBINATIONS:
        query = {name: VALUES[name] for name in chosen} | {"order": order}
        monkeypatch.setattr(store, "EXAMINED", 1000)
        [whole] = [page async for page in pages(client, me, limit=200, **query)]
        monkeypatch.setattr(store, "EXAMINED", examined)
        found = [page async for page in pages(client, me, limit=limit, **query)]
        assert [message for page in found for message in page] == whole, query
        assert max(map(len, found)) <= min(limit, 24)


async def test_a_page_may_be_empty_and_say_where_it_goes_on(
    client: httpx.AsyncClient, me: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EXAMINED", 4)
    found = [page async for page in pages(client, me, text="rare")]
    assert [len(page) for page in found] == [0, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("query", "parts"), [({"text": "rare"}, [0, 0, 0, 0, 1, 0]), ({"role": "user"}, [4, 4, 2])]
)
async def test_a_long_text_counts_as_several_where_texts_are_looked_at(
    client: httpx.AsyncClient,
    database: Database,
    issuer: Issuer,
    fill_log: FillLog,
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, str],
    parts: list[int],
) -> None:
    """Else one page would compare 3,000 texts of 65,536 characters each, which takes PostgreSQL a minute."""
    user = await database.person()
    await fill_log(user, [(n, "app", "user", ("x" if n else "rare") * 256) for n in range(10)])
    monkeypatch.setattr(store, "EXAMINED", 4)
    found = [page async for page in pages(client, issuer.bearer(user), **query)]
    assert [len(page) for page in found] == parts


async def test_what_comes_meanwhile_shifts_and_repeats_nothing(
    client: httpx.AsyncClient, me: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EXAMINED", 5)
    seen = []
    async for page in pages(client, me, text="rare"):
        seen += [message["content"] for message in page]
        await client.post("/messages", json={"content": "rare, too"}, headers=me)
    assert seen == ["16 RARE", "8 RARE", "0 RARE"]


async def test_the_log_of_another_user_is_never_looked_through(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, me: dict[str, str]
) -> None:
    other = issuer.bearer(await database.person())
    page = (await client.get("/messages", params={"text": "rare"}, headers=other)).json()
    assert page == {"messages": [], "next": None}


async def test_the_export_finds_all_however_few_are_looked_at_for_a_page(
    client: httpx.AsyncClient, me: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EXAMINED", 2)
    answer = await client.get("/messages/export", params={"text": "rare"}, headers=me)
    assert len(answer.text.splitlines()) == 3


async def test_a_log_of_many_thousands_is_searched_a_part_at_a_time(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, create_avatar: CreateAvatar
) -> None:
    user = await database.person()
    await database.admin(
        "insert into public.messages (user_id, avatar_id, channel, role, content, created_at)"
        " select $1, $2, 'app', 'user', case n when 1 then 'rare' else 'usual' end,"
        " timestamptz '2026-01-01T00:00:00Z' + n * interval '1 s' from generate_series(1, $3::int) as n",
        user,
        await create_avatar(user),
        2 * store.EXAMINED + 1,
    )
    found = [page async for page in pages(client, issuer.bearer(user), text="rare")]
    assert [len(page) for page in found] == [0, 0, 1]
