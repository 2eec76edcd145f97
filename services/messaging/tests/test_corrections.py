"""What a person edits or deletes on the phone is edited or deleted in their log, by their delegate only.

Decision 0141.
"""

from itertools import permutations
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import Delegate

TURN = {"channel": "whatsapp", "role": "user", "content": "my card is 4111", "external_id": "wamid.1"}


def edited(content: str, second: int = 30) -> dict[str, str]:
    return {"external_id": "wamid.1", "content": content, "changed_at": f"2026-03-04T05:06:{second:02}Z"}


DELETED = {"external_id": "wamid.1", "changed_at": "2026-03-04T05:06:40Z"}


async def kept(client: httpx.AsyncClient, me: dict[str, str], **other: str) -> str:
    where = f"/messages/{uuid4()}"
    assert (await client.put(where, json=TURN | other, headers=me)).status_code == 201
    return where


async def test_an_edit_changes_the_words_and_says_when(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    user = await database.person()
    where = await kept(client, delegate(user))
    before = (await client.get(where, headers=issuer.bearer(user))).json()
    changed = await client.patch(where, json=edited("never mind"), headers=delegate(user))
    assert changed.status_code == 200
    after = {"content": "never mind", "edited_at": "2026-03-04T05:06:30Z"}
    assert changed.json() == before | after
    page = (await client.get("/messages", headers=issuer.bearer(user))).json()
    assert page["messages"] == [before | after]
    assert (await client.get("/messages?text=4111", headers=issuer.bearer(user))).json()["messages"] == []


async def test_a_deletion_empties_the_words_and_keeps_the_place(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    user = await database.person()
    where = await kept(client, delegate(user))
    before = (await client.get(where, headers=issuer.bearer(user))).json()
    await client.patch(where, json=edited("draft"), headers=delegate(user))
    gone = await client.patch(where, json=DELETED, headers=delegate(user))
    marks = {"edited_at": "2026-03-04T05:06:30Z", "deleted_at": "2026-03-04T05:06:40Z"}
    assert gone.json() == before | {"content": ""} | marks


CHANGES: list[dict[str, str]] = [edited("first", 10), edited("second", 20), DELETED]


@pytest.mark.parametrize("order", [*permutations(range(3))])
async def test_changes_in_any_order_and_again_end_alike(
    client: httpx.AsyncClient, database: Database, delegate: Delegate, order: tuple[int, ...]
) -> None:
    me = delegate(await database.person())
    where = await kept(client, me)
    for number in (*order, *order):
        answer = await client.patch(where, json=CHANGES[number], headers=me)
        assert answer.status_code == 200
    assert (answer.json()["content"], answer.json()["deleted_at"]) == ("", "2026-03-04T05:06:40Z")


async def test_an_older_edit_changes_nothing(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = delegate(await database.person())
    where = await kept(client, me)
    await client.patch(where, json=edited("second", 20), headers=me)
    late = await client.patch(where, json=edited("first", 10), headers=me)
    assert (late.status_code, late.json()["content"]) == (200, "second")


async def test_keeping_a_changed_turn_again_is_no_conflict(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    me = delegate(await database.person())
    where = await kept(client, me)
    for change in (edited("never mind"), DELETED):
        changed = await client.patch(where, json=change, headers=me)
        again = await client.put(where, json=TURN, headers=me)
        assert (again.status_code, again.json()) == (200, changed.json())
        elsewhere = await client.put(f"/messages/{uuid4()}", json=TURN, headers=me)
        assert (elsewhere.status_code, elsewhere.json()) == (200, changed.json())
    other = await client.put(where, json=TURN | {"role": "assistant"}, headers=me)
    assert other.status_code == 409


async def test_what_is_not_in_the_log_is_not_found(
    client: httpx.AsyncClient, database: Database, delegate: Delegate
) -> None:
    ada, ben = delegate(await database.person()), delegate(await database.person())
    where = await kept(client, ben)
    missing = await client.patch(where, json=DELETED, headers=ada)
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:ava:problem:message-not-found")
    assert (await client.get(where, headers=ben)).json()["content"] == TURN["content"]


@pytest.mark.parametrize("other", [{"role": "assistant"}, {"channel": "app"}])
async def test_only_what_the_user_said_on_the_phone_changes(
    client: httpx.AsyncClient, database: Database, delegate: Delegate, other: dict[str, str]
) -> None:
    me = delegate(await database.person())
    where = await kept(client, me, **other)
    for change in (edited("forged"), DELETED):
        refused = await client.patch(where, json=change, headers=me)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:ava:problem:message-differs")
    assert (await client.get(where, headers=me)).json()["content"] == TURN["content"]


async def test_only_a_delegate_changes_what_was_said_on_the_phone(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, delegate: Delegate
) -> None:
    user = await database.person()
    where = await kept(client, delegate(user))
    another = {"Authorization": f"Bearer {issuer.delegated(user, act={'sub': 'another-service'})}"}
    refused = await client.patch(where, json=DELETED, headers=issuer.bearer(user))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ava:problem:delegate-required")
    ignored = await client.patch(where, json=DELETED, headers=another)
    assert ignored.json()["content"] == TURN["content"]


WRONG: dict[str, dict[str, Any]] = {
    "no words": edited(""),
    "too many words": edited("x" * 65_537),
    "no time": {"external_id": "wamid.1"},
    "no external id": {"changed_at": "2026-03-04T05:06:40Z"},
    "a time without zone": DELETED | {"changed_at": "2026-03-04T05:06:40"},
    "a time that is yet to come": DELETED | {"changed_at": "2199-03-04T05:06:40Z"},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_invalid_change_is_refused(
    client: httpx.AsyncClient, database: Database, delegate: Delegate, wrong: str
) -> None:
    me = delegate(await database.person())
    where = await kept(client, me)
    assert (await client.patch(where, json=WRONG[wrong], headers=me)).status_code == 422
    assert (await client.get(where, headers=me)).json()["content"] == TURN["content"]
