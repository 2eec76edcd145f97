"""Genuine? Kept, then thanked. Everything else is a problem that says what to do, and leaves nothing."""

import asyncio

import asyncpg
import pytest

URL = "/webhooks/whatsapp"


async def kept(database):
    return await database.admin("select body, state, error from whatsapp.deliveries order by id")


async def test_metas_handshake_is_answered_in_plain_text(room, settings):
    chosen = settings()
    token = chosen.verify_token.get_secret_value()
    asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "<b>42</b>"}
    async with room(chosen) as client:
        answer = await client.get(URL, params=asked)
        assert (answer.status_code, answer.text) == (200, "<b>42</b>")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
        for wrong in ({"hub.verify_token": "ä"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": ""}):
            refused = await client.get(URL, params=asked | wrong)
            assert refused.status_code == 403
            assert refused.json()["type"] == "urn:ava:problem:wrong-verify-token"
        assert (await client.get(URL)).status_code == 422


@pytest.mark.parametrize("header", [None, b"sha256=" + b"0" * 64, b"sha256=\xe4", b"garbage", b""])
async def test_what_is_not_signed_is_refused_and_not_kept(room, settings, database, meta, header):
    body = meta.envelope(meta.text())
    headers = {} if header is None else {"X-Hub-Signature-256": header}
    async with room(settings()) as client:
        answer = await client.post(URL, content=body, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:ava:problem:not-genuine"
    assert await kept(database) == []


async def test_a_body_over_the_limit_is_refused_while_it_comes(room, settings, database, meta):
    async def chunks():
        for _ in range(50):
            yield b"x" * 100_000

    async with room(settings(body_limit=3 * 1024 * 1024)) as client:
        answer = await client.post(URL, content=chunks(), headers=meta.signed(b""))
        assert answer.status_code == 413
        whole = b'{"entry":[' + b" " * (3 * 1024 * 1024 - 12) + b"]}"
        assert (await client.post(URL, content=whole, headers=meta.signed(whole))).status_code == 200
    assert len(await kept(database)) == 1


@pytest.mark.parametrize("body", [b"{broken", b"[]", b"\xff", b"", b'{"entry":7}'])
async def test_signed_but_unreadable_is_kept_aside_and_thanked(room, settings, database, quiet, meta, body):
    async with room(settings()) as client:
        assert (await client.post(URL, content=body, headers=meta.signed(body))).status_code == 200
        await quiet()
    (row,) = await kept(database)
    assert (row["body"], row["state"]) == (body, "quarantined")
    assert row["error"]


async def test_fifty_identical_deliveries_at_once_have_one_effect(
    room, settings, database, quiet, house, linked, meta
):
    await linked("+4915112345678")
    body = meta.envelope(meta.text(body="only once"))
    async with room(settings()) as client:
        posts = [client.post(URL, content=body, headers=meta.signed(body)) for _ in range(50)]
        assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
        await quiet()
    assert len(await kept(database)) == 1
    assert house.phones["4915112345678"] == ["only once"]
    assert len(house.log) == 2


async def test_many_deliveries_at_once_are_all_kept(room, settings, database, meta):
    bodies = [meta.envelope(meta.text(sender=f"49151{n:08}")) for n in range(300)]
    async with room(settings(held_days=1)) as client:
        posts = [client.post(URL, content=body, headers=meta.signed(body)) for body in bodies]
        assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
    assert sorted(bodies) == sorted(row["body"] for row in await kept(database))


async def test_both_secrets_of_a_rotation_are_good(room, settings, meta):
    both = ["the-new-secret-of-the-app", "the-old-secret-of-the-app"]
    async with room(settings(app_secrets=both)) as client:
        for secret in both:
            body = meta.envelope(meta.text())
            answer = await client.post(URL, content=body, headers=meta.signed(body, secret))
            assert answer.status_code == 200


async def test_without_the_database_meta_is_asked_to_come_again(room, settings, cluster, database, meta):
    body = meta.envelope(meta.text())
    async with room(settings()) as client:
        await _allow(cluster, database, "false")
        answer = await client.post(URL, content=body, headers=meta.signed(body))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert (await client.get("/readyz")).status_code == 503
        await _allow(cluster, database, "true")
        again = await client.post(URL, content=body, headers=meta.signed(body))
        assert again.status_code == 200
        assert (await client.get("/readyz")).status_code == 200
    assert len(await kept(database)) == 1


async def _allow(cluster, database, allowed):
    connection = await asyncpg.connect(cluster.url())
    await connection.execute(f'alter database "{database.name}" allow_connections {allowed}')
    await connection.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.name
    )
    await connection.close()


async def test_the_room_describes_itself(room, settings):
    async with room(settings()) as client:
        described = (await client.get("/webhooks/whatsapp/openapi.json")).json()
        assert set(described["paths"][URL]) == {"get", "post"}
        assert "whatsapp_deliveries" in (await client.get("/metrics")).text
        assert (await client.put(URL)).status_code == 405


@pytest.mark.parametrize("missing", ["app_secrets", "verify_token", "access_token", "client_secret"])
def test_without_a_secret_the_room_does_not_start(settings, missing):
    empty = [] if missing == "app_secrets" else ""
    with pytest.raises(ValueError, match=missing):
        settings(**{missing: empty})
