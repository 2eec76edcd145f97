"""One rule for texts, unknown fields and repeated parameters."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from ava_common.app_factory import create_service_app
from ava_common.bodies import PlainText, PublicInput, ServiceBody
from ava_common.health import Finding
from ava_common.request_checks import repeated_names
from ava_common.text import flaw, printable
from ava_local.testing.running_app import client_of_started

UNSTORABLE = ["\0", "a\0b", "\ud800", "half \udfff of a pair"]


class Draft(PublicInput):
    name: str | None = None
    secret: SecretStr | None = None
    filters: list[str] | None = None


class Turn(ServiceBody):
    external_id: PlainText


class Filters(PublicInput):
    text: str | None = None


router = APIRouter()


@router.post("/drafts")
async def write(draft: Draft) -> None:
    """Takes anything that fits."""


@router.post("/turns")
async def store(turn: Turn) -> None:
    """Takes anything that fits."""


@router.get("/drafts")
async def read(query: Annotated[Filters, Query()]) -> None:
    """Takes anything that fits."""


@asynccontextmanager
async def nothing() -> AsyncIterator[None]:
    yield


async def is_ready(_: None) -> list[Finding]:
    return []


async def post(path: str, body: Any) -> tuple[int, list[str]]:
    return await asked("POST", path, content=json.dumps(body), headers={"Content-Type": "application/json"})


async def asked(method: str, path: str, **options: Any) -> tuple[int, list[str]]:
    app = create_service_app("Test", prefix="/test", open_resources=nothing, routers=[router], ready=is_ready)
    async with client_of_started(app) as client:
        answer = await client.request(method, path, **options)
    errors = answer.json().get("errors", []) if answer.content and answer.json() else []
    return answer.status_code, [error["pointer"] for error in errors]


@pytest.mark.parametrize("text", UNSTORABLE)
@pytest.mark.parametrize("field", ["name", "secret"])
async def test_a_text_that_cannot_be_stored_is_refused_with_its_field(field: str, text: str) -> None:
    assert await post("/drafts", {field: text}) == (422, [f"#/{field}"])
    assert await post("/turns", {"external_id": text}) == (422, ["#/external_id"])


async def test_an_unknown_field_is_refused_from_people_and_ignored_from_services() -> None:
    assert await post("/drafts", {"nickname": "x"}) == (422, ["#/nickname"])
    assert await post("/turns", {"external_id": "w", "mood": "cheerful"}) == (200, [])


@pytest.mark.parametrize(
    ("name", "pointer"),
    [("\ud800", "#"), ("a/b~c", "#/a~1b~0c"), ("x" * 5000, "#/" + "x" * 200), ("\0", "#/\0")],
)
async def test_any_name_of_an_unknown_field_can_be_quoted(name: str, pointer: str) -> None:
    assert await post("/drafts", {name: 1}) == (422, [pointer])


async def test_a_parameter_given_twice_is_refused() -> None:
    assert await asked("GET", "/drafts?text=a&text=b") == (422, ["query:text"])
    assert await asked("GET", "/drafts?text=a&text=a") == (422, ["query:text"])
    assert await asked("GET", "/drafts?text=%00") == (422, ["query:text"])
    assert await asked("GET", "/drafts?text=a&") == (200, [])


async def test_a_key_given_twice_is_refused() -> None:
    twice = [("Idempotency-Key", "a"), ("idempotency-key", "b")]
    assert await asked("POST", "/drafts", json={}, headers=twice) == (422, ["header:Idempotency-Key"])
    assert await asked("POST", "/drafts", json={}, headers=twice[:1]) == (200, [])


def seconds_for(names: int) -> float:
    """The best of a few, to refuse a query of so many different names."""
    query = "&".join(f"n{number}=" for number in range(names)).encode() + b"&n0="
    clock, best = time.perf_counter, float("inf")
    for _ in range(5):
        started = clock()
        assert repeated_names(query) == ["n0"]
        best = min(best, clock() - started)
    return best


def test_the_time_for_a_query_grows_as_the_query_does() -> None:
    assert seconds_for(16_000) < 100 * seconds_for(1000), "with its square it would be 256 times as long"


async def test_a_refusal_is_short_whatever_is_refused() -> None:
    status, pointers = await asked("GET", f"/drafts?{'n' * 5000}=1&{'n' * 5000}=2")
    assert (status, pointers) == (422, ["query:" + "n" * 200])
    status, pointers = await post("/drafts", {f"unknown{number}": 1 for number in range(5000)})
    assert (status, len(pointers)) == (422, 100)
    status, pointers = await asked("GET", "/drafts?" + "&".join(f"n{number}=" for number in range(500)))
    assert (status, len(pointers)) == (422, 100)


@given(st.text(st.characters(exclude_categories=[])))
def test_a_text_without_a_flaw_survives_utf_8_and_every_text_can_be_quoted(text: str) -> None:
    if flaw(text) is None:
        assert text.encode().decode() == text
        assert "\0" not in text
    printable(text).encode()
