"""What every service has in common: problems, health, request ids, traces; and what it never logs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel

from ava_common.app_factory import create_service_app
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.authentication import CurrentCaller, OptionalCaller, PresentCaller
from ava_common.database_errors import DatabaseUnavailable
from ava_common.health import Finding, missing
from ava_common.log import configure, log
from ava_common.problems import Problem, responses
from ava_common.token_verifier import TokenVerifier, open_verifier
from ava_common.tracing import current_trace
from ava_common.trusted_issuers import delegating_issuer, supabase_issuer
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import AUTH_ISSUER, Issuer

router = APIRouter(prefix="/kitchen")


class CupboardEmpty(Problem):
    """The cupboard is empty. Fill it first."""

    status = 404


class Cup(BaseModel):
    size: int


@router.get("/cups", responses=responses(CupboardEmpty, TooManyAttempts))
async def cups() -> list[Cup]:
    raise CupboardEmpty


@router.post("/cups")
async def pour(cup: Cup, caller: PresentCaller) -> Cup:
    return cup


@router.get("/open")
async def open_to_all(caller: OptionalCaller) -> bool:
    return caller is not None


@router.get("/signed")
async def signed(caller: CurrentCaller) -> str:
    return str(caller.id)


@router.get("/broken")
async def broken() -> None:
    raise RuntimeError("the phone +4915112345678 of ada@people.test is taken")


@router.get("/away")
async def away() -> None:
    raise DatabaseUnavailable(asyncpg.CannotConnectNowError("starting up"))


@router.get("/trace")
async def trace() -> str:
    return current_trace().traceparent


@dataclass(frozen=True)
class Resources:
    verifier: TokenVerifier


@pytest.fixture
async def client(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        issuers = supabase_issuer(issuer.url), delegating_issuer(issuer.url, AUTH_ISSUER)
        async with open_verifier(*issuers) as verifier:
            yield Resources(verifier)

    async def ready(_: Resources) -> list[Finding]:
        return [missing("kettle", "is empty: fill it")]

    app = create_service_app(
        "Kitchen", prefix="/kitchen", open_resources=open_resources, routers=[router], ready=ready
    )
    async with client_of_started(app) as opened:
        yield opened


def is_problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:ava:problem:{name}"
    assert document["instance"] == f"urn:ava:request:{answer.headers['x-request-id']}"
    return document


async def test_a_problem_says_what_happened_and_what_to_do(client: httpx.AsyncClient) -> None:
    document = is_problem(await client.get("/kitchen/cups"), 404, "cupboard-empty")
    assert document["title"] == "The cupboard is empty"
    assert document["detail"].endswith("Fill it first.")


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/kitchen/cups", 405, "method-not-allowed"),
        ("GET", "/kitchen/signed", 401, "not-signed-in"),
        ("GET", "/kitchen/broken", 500, "internal-error"),
        ("GET", "/kitchen/away", 503, "database-away"),
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
    is_problem(await client.post("/kitchen/cups", content="{", headers=headers), 400, "malformed-json")
    document = is_problem(
        await client.post("/kitchen/cups", content='{"size": "big"}', headers=headers), 422, "invalid-request"
    )
    assert document["errors"][0]["pointer"] == "#/size"


@pytest.mark.parametrize("sent", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}])
async def test_a_body_that_is_not_sent_as_json_is_told_what_to_send(
    client: httpx.AsyncClient, issuer: Issuer, sent: dict[str, str]
) -> None:
    headers = issuer.bearer(uuid4()) | sent
    answer = await client.post("/kitchen/cups", content='{"size": 1}', headers=headers)
    document = is_problem(answer, 415, "unsupported-media-type")
    assert "Content-Type: application/json" in document["detail"]


async def test_a_bad_token_is_refused_even_where_none_is_needed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/kitchen/open")).json() is False
    is_problem(await client.get("/kitchen/open", headers={"Authorization": "Bearer x"}), 401, "invalid-token")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "bearer  x"])
async def test_an_invalid_authorization_header_is_refused(client: httpx.AsyncClient, header: str) -> None:
    is_problem(await client.get("/kitchen/signed", headers={"Authorization": header}), 401, "invalid-token")


async def test_two_authorization_headers_are_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    twice = [("Authorization", f"Bearer {issuer.token(uuid4())}")] * 2
    is_problem(await client.get("/kitchen/signed", headers=twice), 401, "invalid-token")


async def test_a_delegated_token_is_refused_where_a_person_is_required(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    delegated = {"Authorization": f"Bearer {issuer.delegated(uuid4())}"}
    assert (await client.get("/kitchen/signed", headers=delegated)).status_code == 200
    is_problem(
        await client.post("/kitchen/cups", json={"size": 1}, headers=delegated), 403, "person-required"
    )


async def test_the_callers_trace_is_continued(client: httpx.AsyncClient) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = await client.get("/kitchen/trace", headers={"traceparent": parent, "X-Request-Id": "from-caddy"})
    assert answer.json().split("-")[1] == "a" * 32
    assert answer.json() != parent
    assert answer.headers["x-request-id"] == "from-caddy"


@pytest.mark.parametrize("sent", ["", "x" * 200, "a b", "00-zz"])
async def test_an_invalid_trace_or_request_id_is_replaced(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get("/kitchen/trace", headers={"traceparent": sent, "X-Request-Id": sent})
    assert len(answer.json()) == 55
    assert answer.headers["x-request-id"] not in ("", "a b", "x" * 200)


async def test_log_lines_contain_no_phone_numbers_emails_or_tokens(
    client: httpx.AsyncClient, issuer: Issuer, capfd: pytest.CaptureFixture[str]
) -> None:
    configure("Kitchen")
    await client.get("/kitchen/broken", headers=issuer.bearer(uuid4()))
    log.info("example", phone="+4915112345678", note=f"{issuer.token(uuid4())} ada@people.test 4915112345678")
    log.info("example", url="postgres://kitchen:hidden-word@127.0.0.1/ava")
    written = capfd.readouterr().out
    lines = [json.loads(line) for line in written.splitlines()]
    assert {"request.failed", "request", "example"} <= {line["event"] for line in lines}
    for secret in ("4915112345678", "people.test", "eyJ", "hidden-word"):
        assert secret not in written


async def test_a_refused_start_is_told_in_its_own_sentence_without_a_stack() -> None:
    @asynccontextmanager
    async def open_resources() -> AsyncIterator[None]:
        raise SystemExit("This service refuses to start: fix it.")
        yield

    async def ready(_: None) -> list[Finding]:
        return []

    app = create_service_app(
        "Kitchen", prefix="/kitchen", open_resources=open_resources, routers=[], ready=ready
    )
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with pytest.raises(SystemExit):
        await app({"type": "lifespan", "state": {}}, receive, send)  # type: ignore[arg-type]
    assert sent == [{"type": "lifespan.startup.failed", "message": "This service refuses to start: fix it."}]


async def test_a_scrape_asks_whether_the_service_is_ready(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    assert "\nservice_ready 0.0\n" in text


async def test_refusals_begin_at_zero_before_there_is_one(client: httpx.AsyncClient) -> None:
    """A burst within one scrape is not seen as the growth of a series that begins with it."""
    lines = (await client.get("/metrics")).text.splitlines()
    first = 'http_request_duration_seconds_count{method="GET",route="/kitchen/cups",status="429"} 0.0'
    assert first in lines
