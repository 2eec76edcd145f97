"""What the page in the browser relies on when it asks profile and messaging."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pact import match

from .conftest import Interaction

SCRIPT = Path(__file__).parents[2] / "services/auth/src/ava_auth/static/app.js"
AVATAR = {"name": "Mira", "age": 27, "personality": "witty", "physical_description": "Tall"}
PHONE = {"phone": "+49 151 12345678"}
LINKED = match.regex("+4915112345678", regex=r"^\+[1-9][0-9]{6,14}$")
TURN = UUID(int=0xB)
KEY = "2b0d7b3d-28f8-4c5b-9ac1-6a7d20f19e58"
SIGNED = {"Authorization": "Bearer a.b.c"}
MESSAGE = {
    "id": match.uuid(str(TURN)),
    "channel": match.regex("app", regex="^(app|whatsapp)$"),
    "role": match.regex("user", regex="^(user|assistant)$"),
    "content": match.like("Hello"),
    "created_at": match.like("2026-03-04T05:06:07Z"),
}


def problem(name: str, status: int, *fields: str) -> dict[str, Any]:
    """What the page shows: the words, and which field they are about."""
    errors = [{"pointer": f"#/{field}", "detail": match.like("…")} for field in fields]
    document: dict[str, Any] = {"type": f"urn:ava:problem:{name}", "status": status}
    document |= {"title": match.like("…"), "detail": match.like("…")}
    document |= {"errors": errors} if errors else {}
    return {"answer": document, "content_type": "application/problem+json"}


NEW, FULL = "the person has nothing yet", "the person has an avatar, a number and one message"
NUMBER, BAD = "/profile/preferences/whatsapp", {**AVATAR, "age": 19}
YOUNG = problem("invalid-request", 422, "age")
TAKEN = problem("phone-taken", 409)
NO_NUMBER = problem("not-a-phone-number", 422, "phone")
NO_AVATAR = problem("avatar-not-found", 404)
Request = tuple[str, str, str, str, int, dict[str, Any]]
PROFILE: list[Request] = [
    ("the personalities", NEW, "GET", "/profile/personalities", 200, {"answer": match.each_like("witty")}),
    ("the avatar", FULL, "GET", "/profile/avatar", 200, {"answer": match.like(AVATAR)}),
    ("the avatar before there is one", NEW, "GET", "/profile/avatar", 404, NO_AVATAR),
    ("the avatars", FULL, "GET", "/profile/avatars", 200, {"answer": match.each_like(AVATAR)}),
    ("the avatars before there is one", NEW, "GET", "/profile/avatars", 200, {"answer": []}),
    ("deleting the avatar", FULL, "DELETE", "/profile/avatar", 204, {}),
    ("a first avatar", NEW, "PUT", "/profile/avatar", 201, {"body": AVATAR}),
    ("another avatar", FULL, "PUT", "/profile/avatar", 200, {"body": AVATAR}),
    ("an avatar that is too young", NEW, "PUT", "/profile/avatar", 422, {"body": BAD, **YOUNG}),
    ("the number", FULL, "GET", "/profile/preferences", 200, {"answer": {"whatsapp_phone": LINKED}}),
    ("a number", NEW, "PUT", NUMBER, 200, {"body": PHONE, "answer": {"whatsapp_phone": LINKED}}),
    ("a taken number", "the number is another person's", "PUT", NUMBER, 409, {"body": PHONE, **TAKEN}),
    ("an invalid number", NEW, "PUT", NUMBER, 422, {"body": {"phone": "hello"}, **NO_NUMBER}),
    ("unlinking the number", FULL, "DELETE", NUMBER, 204, {}),
]
NEWEST = {"order": "newest", "limit": "50"}
PAGE = {"messages": match.each_like(MESSAGE), "next": None}
WRITING = {"body": {"content": "Hello"}, "headers": {"Idempotency-Key": KEY}, "answer": MESSAGE}
EMPTY = {"body": {"content": ""}, **problem("invalid-request", 422, "content")}
NO_PAGE: dict[str, Any] = {"messages": [], "next": None}
MATCHING = {**NEWEST, "text": "hell", "channel": "whatsapp"}
MESSAGING: list[Request] = [
    ("the newest messages", FULL, "GET", "/messages", 200, {"query": NEWEST, "answer": PAGE}),
    ("the messages that match", FULL, "GET", "/messages", 200, {"query": MATCHING, "answer": PAGE}),
    ("deleting a message", FULL, "DELETE", f"/messages/{TURN}", 204, {}),
    ("an empty log", NEW, "GET", "/messages", 200, {"query": NEWEST, "answer": NO_PAGE}),
    ("a message", NEW, "POST", "/messages", 201, WRITING),
    ("an empty message", NEW, "POST", "/messages", 422, EMPTY),
]


@pytest.mark.parametrize(("service", "requests"), [("profile", PROFILE), ("messaging", MESSAGING)])
def test_the_page_asks_a_service(
    contract: Callable[[str, str], Any],
    interaction: type[Interaction],
    service: str,
    requests: list[Request],
) -> None:
    with contract("page", service) as provider:
        for description, state, method, path, status, more in requests:
            description = f"{description}, on the page"
            signed = path != "/profile/personalities"
            expected = interaction(description, state, method, path, status, signed=signed, **more)
            with provider.expecting(expected) as url:
                headers = {**(SIGNED if signed else {}), **more.get("headers", {})}
                answer = httpx.request(
                    method,
                    url + path,
                    json=more.get("body"),
                    params=more.get("query"),
                    headers=headers,
                    timeout=60,
                )
            assert answer.status_code == status


def test_the_page_asks_for_nothing_that_is_not_in_its_contract() -> None:
    asking = r"""(?:ask|mine)\(\s*(method|"[A-Z]+"),\s*["`](/(?:profile|messages)[^"`?$]*)"""
    calls = re.findall(asking, SCRIPT.read_text())
    known = {(method, path.removesuffix(str(TURN))) for _, _, method, path, *_ in PROFILE + MESSAGING}
    assert len(calls) >= 6
    for method, path in calls:
        called = {("PUT", path), ("DELETE", path)} if method == "method" else {(method.strip('"'), path)}
        assert called <= known
