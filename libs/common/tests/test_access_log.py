"""The access-log middleware around the plainest endpoint there is."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from ava_common.access_log import AccessLog
from ava_common.log import configure, log

OK_MESSAGES: list[dict[str, Any]] = [
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"ok"},
]


class Endpoint:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await answer_ok(scope, receive, send)


async def answer_ok(scope: Any, receive: Any, send: Any) -> None:
    for message in OK_MESSAGES:
        await send(message)


async def test_an_answer_carries_its_own_request_id_and_no_other() -> None:
    transport = httpx.ASGITransport(app=AccessLog(answer_ok))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for name in ("first", "second", "third"):
            answer = await client.get("/", headers={"X-Request-Id": name})
            assert answer.headers.get_list("x-request-id") == [name]
    assert OK_MESSAGES[0]["headers"] == [(b"content-length", b"2")]


async def test_of_several_request_ids_the_first_counts() -> None:
    transport = httpx.ASGITransport(app=AccessLog(answer_ok))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.get("/", headers=[("X-Request-Id", "one"), ("X-Request-Id", "two")])
    assert answer.headers["x-request-id"] == "one"


async def test_the_access_log_names_plain_routes_and_never_an_unknown_path(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure("Service")
    app = FastAPI()
    app.router.routes[:0] = [Route("/plain", Endpoint()), Route("/people/{name}", Endpoint())]
    app.add_middleware(AccessLog)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        for path in ("/plain", "/people/ada", "/nowhere"):
            await client.get(path)
    await asyncio.sleep(0)  # lines go out at the end of a turn
    logged = [json.loads(line)["route"] for line in capfd.readouterr().out.splitlines()]
    assert logged == ["/plain", "unmatched", "unmatched"]


@pytest.mark.parametrize("secret", ["4915112345678", "eyJhbGciOi.eyJzdWIi.c2ln"])
async def test_a_line_has_the_fields_of_every_line_and_no_secret(
    secret: str, capfd: pytest.CaptureFixture[str]
) -> None:
    configure("Service")
    log.info("request", method="GET", route="/", status=200, ms=1.0)
    transport = httpx.ASGITransport(app=AccessLog(answer_ok))
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        await client.get("/", headers={**trace, "X-Request-Id": secret})
    await asyncio.sleep(0)
    plain, written = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {*written} == {*plain, "request_id", "trace_id"}
    assert (written["service"], written["trace_id"]) == ("Service", trace["traceparent"][3:35])
    assert written["request_id"] == "[redacted]"
    assert len(written["timestamp"]) == len(plain["timestamp"])


async def test_no_line_where_lines_of_this_level_are_not_wanted(capfd: pytest.CaptureFixture[str]) -> None:
    configure("Service", "WARNING")
    transport = httpx.ASGITransport(app=AccessLog(answer_ok))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        await client.get("/")
    await asyncio.sleep(0)
    configure("Service")
    assert capfd.readouterr().out == ""
