"""A genuine delivery is stored, then acknowledged; anything else is a problem, and nothing is stored."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.webhook.delivery_inbox import WAITING_MAX_ROWS

from . import meta_payloads as meta
from .conftest import LinkNumber, MakeSettings, RunService
from .fake_peers import FakePeers
from .waiting import until_idle

URL = "/webhooks/whatsapp"


async def stored(database: Database) -> list[asyncpg.Record]:
    return await database.admin("select body, state, error from whatsapp.deliveries order by id")


async def test_metas_handshake_is_answered_in_plain_text(
    run_service: RunService, settings: MakeSettings
) -> None:
    chosen = settings()
    token = chosen.verify_token.get_secret_value()
    query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "<b>42</b>"}
    async with run_service(chosen) as client:
        answer = await client.get(URL, params=query)
        assert (answer.status_code, answer.text) == (200, "<b>42</b>")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
        for wrong in ({"hub.verify_token": "ä"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": ""}):
            refused = await client.get(URL, params=query | wrong)
            assert refused.status_code == 403
            assert refused.json()["type"] == "urn:ava:problem:wrong-verify-token"
        assert (await client.get(URL)).status_code == 422


@pytest.mark.parametrize("header", [None, b"sha256=" + b"0" * 64, b"sha256=\xe4", b"garbage", b""])
async def test_an_unsigned_delivery_is_refused_and_not_stored(
    run_service: RunService, settings: MakeSettings, database: Database, header: bytes | None
) -> None:
    body = meta.envelope(meta.text())
    headers = [] if header is None else [(b"X-Hub-Signature-256", header)]
    async with run_service(settings()) as client:
        answer = await client.post(URL, content=body, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:ava:problem:not-genuine"
    assert await stored(database) == []


async def test_a_delivery_that_is_signed_twice_is_refused(
    run_service: RunService, settings: MakeSettings, database: Database
) -> None:
    body = meta.envelope(meta.text())
    async with run_service(settings()) as client:
        answer = await client.post(URL, content=body, headers=[*meta.signed(body).items()] * 2)
    assert answer.status_code == 403
    assert await stored(database) == []


async def test_a_body_over_the_limit_is_refused_while_it_is_read(
    run_service: RunService, settings: MakeSettings, database: Database
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 100_000

    async with run_service(settings(body_limit_bytes=3 * 1024 * 1024)) as client:
        answer = await client.post(URL, content=chunks(), headers=meta.signed(b""))
        assert answer.status_code == 413
        whole = b'{"entry":[' + b" " * (3 * 1024 * 1024 - 12) + b"]}"
        assert (await client.post(URL, content=whole, headers=meta.signed(whole))).status_code == 200
    assert len(await stored(database)) == 1


@pytest.mark.parametrize("body", [b"{broken", b"[]", b"\xff", b"", b'{"entry":7}'])
async def test_a_signed_but_unreadable_delivery_is_quarantined_and_acknowledged(
    run_service: RunService, settings: MakeSettings, database: Database, body: bytes
) -> None:
    async with run_service(settings()) as client:
        assert (await client.post(URL, content=body, headers=meta.signed(body))).status_code == 200
        await until_idle(database)
    (row,) = await stored(database)
    assert (row["body"], row["state"]) == (body, "quarantined")
    assert row["error"]


async def test_fifty_identical_deliveries_at_once_have_one_effect(
    run_service: RunService, settings: MakeSettings, database: Database, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked("+4915112345678")
    body = meta.envelope(meta.text(body="only once"))
    async with run_service(settings()) as client:
        posts = [client.post(URL, content=body, headers=meta.signed(body)) for _ in range(50)]
        assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
        await until_idle(database)
    assert len(await stored(database)) == 1
    assert peers.phones["4915112345678"] == ["only once"]
    assert len(peers.log) == 2


async def test_many_deliveries_at_once_are_all_stored(
    run_service: RunService, settings: MakeSettings, database: Database
) -> None:
    bodies = [meta.envelope(meta.text(sender=f"49151{n:08}")) for n in range(300)]
    async with run_service(settings(held_days=1)) as client:
        posts = [client.post(URL, content=body, headers=meta.signed(body)) for body in bodies]
        assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
    assert sorted(bodies) == sorted(row["body"] for row in await stored(database))


async def test_more_than_can_be_stored_is_refused_at_once_and_the_rest_is_kept(
    run_service: RunService, settings: MakeSettings, database: Database
) -> None:
    bodies = [meta.envelope(meta.text(sender=f"49151{n:08}")) for n in range(WAITING_MAX_ROWS + 200)]
    locked = await asyncpg.connect(database.url("supabase_admin"))
    async with run_service(settings(held_days=1)) as client:
        async with locked.transaction():
            await locked.execute("lock table whatsapp.deliveries")
            posts = [
                asyncio.create_task(client.post(URL, content=body, headers=meta.signed(body)))
                for body in bodies
            ]
            done, waiting = await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
            refused = next(iter(done)).result()  # while the others still wait
            assert waiting
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json()["type"] == "urn:ava:problem:too-many-deliveries"
        answers = await asyncio.gather(*posts)
        kept = [body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200]
        assert {answer.status_code for answer in answers} == {200, 503}
        assert len(kept) >= WAITING_MAX_ROWS
        again = await client.post(URL, content=bodies[-1], headers=meta.signed(bodies[-1]))
        assert again.status_code == 200
    await locked.close()
    assert {*kept, bodies[-1]} == {row["body"] for row in await stored(database)}


async def test_both_secrets_of_a_rotation_are_accepted(
    run_service: RunService, settings: MakeSettings
) -> None:
    both = ["the-new-secret-of-the-app", "the-old-secret-of-the-app"]
    async with run_service(settings(app_secrets=both)) as client:
        for secret in both:
            body = meta.envelope(meta.text())
            answer = await client.post(URL, content=body, headers=meta.signed(body, secret))
            assert answer.status_code == 200


async def test_without_the_database_meta_is_told_to_retry(
    run_service: RunService, settings: MakeSettings, cluster: Cluster, database: Database
) -> None:
    body = meta.envelope(meta.text())
    async with run_service(settings()) as client:
        await _allow(cluster, database, "false")
        answer = await client.post(URL, content=body, headers=meta.signed(body))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert (await client.get("/readyz")).status_code == 503
        await _allow(cluster, database, "true")
        again = await client.post(URL, content=body, headers=meta.signed(body))
        assert again.status_code == 200
        assert (await client.get("/readyz")).status_code == 200
    assert len(await stored(database)) == 1


async def _allow(cluster: Cluster, database: Database, allowed: str) -> None:
    connection = await asyncpg.connect(cluster.url())
    await connection.execute(f'alter database "{database.name}" allow_connections {allowed}')
    if allowed == "false":
        await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.name
        )
    await connection.close()


async def test_the_service_describes_itself(run_service: RunService, settings: MakeSettings) -> None:
    async with run_service(settings()) as client:
        described = (await client.get("/webhooks/whatsapp/openapi.json")).json()
        assert set(described["paths"][URL]) == {"get", "post"}
        assert "whatsapp_deliveries" in (await client.get("/metrics")).text
        assert (await client.put(URL)).status_code == 405
