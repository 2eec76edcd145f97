"""What every room answers alike: problems, health, request ids, traces; and what it never writes down."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from ava_common.guards import Anyone, PersonPresent, SomeoneSigned
from ava_common.peers import on_behalf_of, open_peer
from ava_common.problems import Problem, responses
from ava_common.service import service
from ava_common.tokens import open_verifier
from ava_common.tracing import new_trace, traceparent
from ava_local.issuer import Issuer

router = APIRouter(prefix="/room")


class CupboardEmpty(Problem):
    """The cupboard is empty. Fill it first."""

    status = 404


class Cup(BaseModel):
    size: int


@router.get("/cups", responses=responses(CupboardEmpty))
async def cups() -> list[Cup]:
    raise CupboardEmpty


@router.post("/cups")
async def pour(cup: Cup, caller: PersonPresent) -> Cup:
    return cup


@router.get("/open")
async def anybody(caller: Anyone) -> bool:
    return caller is not None


@router.get("/signed")
async def signed(caller: SomeoneSigned) -> str:
    return str(caller.id)


@router.get("/broken")
async def broken() -> None:
    raise RuntimeError("the phone +4915112345678 of ada@people.test is taken")


@router.get("/away")
async def away() -> None:
    raise asyncpg.CannotConnectNowError("starting up")


@router.get("/trace")
async def trace() -> str:
    return traceparent()


@pytest.fixture
async def client(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    from types import SimpleNamespace

    trust: Any = SimpleNamespace(
        supabase_url=issuer.url,
        supabase_jwt_secret=None,
        supabase_jwt_issuer=None,
        auth_url=issuer.url,
        auth_issuer="urn:ava:auth",
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with open_verifier(trust) as verifier:
            yield {"verifier": verifier}

    async def ready(_: Any) -> dict[str, bool]:
        return {"kettle": False}

    app = service("Room", prefix="/room", lifespan=lifespan, routers=[router], ready=ready)
    async with LifespanManager(app, startup_timeout=60, shutdown_timeout=60) as manager:
        transport = httpx.ASGITransport(app=manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://room") as opened:
            yield opened


def is_problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:ava:problem:{name}"
    assert document["instance"] == f"urn:ava:request:{answer.headers['x-request-id']}"
    return document


async def test_a_problem_says_what_happened_and_what_to_do(client: httpx.AsyncClient) -> None:
    document = is_problem(await client.get("/room/cups"), 404, "cupboard-empty")
    assert document["title"] == "The cupboard is empty"
    assert document["detail"].endswith("Fill it first.")


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/room/cups", 405, "method-not-allowed"),
        ("GET", "/room/signed", 401, "not-signed-in"),
        ("GET", "/room/broken", 500, "internal-error"),
        ("GET", "/room/away", 503, "database-away"),
        ("GET", "/readyz", 503, "not-ready"),
    ],
)
async def test_every_refusal_is_a_problem_document(
    client: httpx.AsyncClient, method: str, path: str, status: int, name: str
) -> None:
    document = is_problem(await client.request(method, path), status, name)
    assert "phone" not in json.dumps(document)


async def test_malformed_json_and_wrong_fields_are_told_apart(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    headers = issuer.bearer(uuid4()) | {"Content-Type": "application/json"}
    is_problem(await client.post("/room/cups", content="{", headers=headers), 400, "malformed-json")
    document = is_problem(
        await client.post("/room/cups", content='{"size": "big"}', headers=headers), 422, "invalid-request"
    )
    assert document["errors"][0]["pointer"] == "#/size"


async def test_a_bad_token_is_refused_even_where_none_is_needed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/room/open")).json() is False
    is_problem(await client.get("/room/open", headers={"Authorization": "Bearer x"}), 401, "invalid-token")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "bearer  x"])
async def test_an_odd_authorization_header_is_refused(client: httpx.AsyncClient, header: str) -> None:
    is_problem(await client.get("/room/signed", headers={"Authorization": header}), 401, "invalid-token")


async def test_two_authorization_headers_are_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    twice = [("Authorization", f"Bearer {issuer.token(uuid4())}")] * 2
    is_problem(await client.get("/room/signed", headers=twice), 401, "invalid-token")


async def test_a_delegated_token_is_not_a_person(client: httpx.AsyncClient, issuer: Issuer) -> None:
    delegated = {"Authorization": f"Bearer {issuer.delegated(uuid4())}"}
    assert (await client.get("/room/signed", headers=delegated)).status_code == 200
    is_problem(await client.post("/room/cups", json={"size": 1}, headers=delegated), 403, "person-required")


async def test_the_trace_of_the_caller_goes_on(client: httpx.AsyncClient) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = await client.get("/room/trace", headers={"traceparent": parent, "X-Request-Id": "from-caddy"})
    assert answer.json().split("-")[1] == "a" * 32
    assert answer.json() != parent
    assert answer.headers["x-request-id"] == "from-caddy"


@pytest.mark.parametrize("sent", ["", "x" * 200, "a b", "00-zz"])
async def test_a_senseless_trace_or_request_id_is_replaced(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get("/room/trace", headers={"traceparent": sent, "X-Request-Id": sent})
    assert len(answer.json()) == 55
    assert answer.headers["x-request-id"] not in ("", "a b", "x" * 200)


async def test_log_lines_hold_neither_phones_nor_mails_nor_tokens(
    client: httpx.AsyncClient, issuer: Issuer, capfd: pytest.CaptureFixture[str]
) -> None:
    from ava_common.log import configure, log

    configure("Room")
    await client.get("/room/broken", headers=issuer.bearer(uuid4()))
    log.info("told", phone="+4915112345678", note=f"{issuer.token(uuid4())} ada@people.test 4915112345678")
    log.info("told", url="postgres://room:hidden-word@127.0.0.1/ava")
    written = capfd.readouterr().out
    lines = [json.loads(line) for line in written.splitlines()]
    assert {"request.failed", "request", "told"} <= {line["event"] for line in lines}
    for secret in ("4915112345678", "people.test", "eyJ", "hidden-word"):
        assert secret not in written


async def test_a_peer_is_asked_with_the_callers_token_and_trace(issuer: Issuer) -> None:
    from ava_common.callers import Caller

    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200)

    async with open_peer("http://peer", transport=httpx.MockTransport(answer)) as peer:
        with new_trace(request="r-1"):
            await peer.get("/x", auth=on_behalf_of(Caller(uuid4(), "the-token", 0)))
            sent = traceparent()
    assert heard[0].headers["authorization"] == "Bearer the-token"
    assert heard[0].headers["traceparent"] == sent
    assert heard[0].headers["x-request-id"] == "r-1"


async def test_two_traces_at_once_do_not_mix() -> None:
    async def step(name: str) -> bool:
        with new_trace(request=name):
            mine = traceparent()
            await asyncio.sleep(0.001)
            return traceparent() == mine

    assert all(await asyncio.gather(*(step(f"r-{number}") for number in range(20))))
