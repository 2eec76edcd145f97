"""A fast path answers the usual request; the framework answers all others as if there were none."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from ava_local.testing.running_app import client_of_started

from . import cups_service


@pytest_asyncio.fixture(loop_scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_started(cups_service.build()) as asked:
        asked.headers["Content-Type"] = "application/json"
        yield asked


async def test_the_usual_request_is_answered_by_the_fast_path_and_passes_no_layer_of_the_framework(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/cups/way")
    assert answer.json() == {"way": "ASGI"}
    assert answer.headers["x-request-id"]


async def test_an_unusual_one_is_answered_by_the_framework_with_the_same_body(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/cups", content=b'{"name":"slow"}')).json() == {"name": "slow"}
    refused = await client.post("/cups", content=b'{"name":1}')
    assert refused.json()["errors"][0]["pointer"] == "#/name"


async def test_a_body_that_is_large_or_has_no_length_is_the_frameworks_affair(
    client: httpx.AsyncClient,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"name":"fast"}'

    large = b'{"name":"fast%s"}' % (b"x" * 65_536)
    answers = [await client.put("/cups/7", content=body) for body in (b"{}", large, chunks())]
    assert [answer.json()["name"][:6] for answer in answers] == ["fast", "fastxx", "fast"]
    assert [answer.json()["by"] for answer in answers] == ["the fast path", "the framework", "the framework"]


@pytest.mark.parametrize("when", [b"", b" later"])
async def test_a_problem_of_a_fast_path_is_a_problem_document(client: httpx.AsyncClient, when: bytes) -> None:
    answer = await client.post("/cups", content=b"missing" + when)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:ava:problem:not-found")
    answer = await client.post("/cups", content=b"broken" + when)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:ava:problem:internal-error")


async def test_a_fast_path_may_have_nothing_to_say(client: httpx.AsyncClient) -> None:
    answer = await client.post("/cups", content=b"nothing")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_other_methods_and_paths_do_not_take_it(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/cups/1")).status_code == 405
    assert (await client.put("/cups/one", content=b"{}")).status_code == 404


async def test_the_access_log_names_the_route(
    client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    for name in (b"fast", b"slow"):
        await client.post("/cups", content=b'{"name":"%s"}' % name)
    await client.put("/cups/1", content=b"{}")
    await asyncio.sleep(0)  # lines go out at the end of a turn
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["route"] for line in lines] == ["/cups", "/cups", "/cups/{number:int}"]
