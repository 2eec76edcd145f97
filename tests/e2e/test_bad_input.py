"""Bad input through Caddy gets a clear answer, and nothing changes."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ava_local.stack.control import Stack
from e2e.people import AVATAR, Person, problem


@pytest.fixture(scope="module")
def person(stack: Stack) -> Person:
    return Person(stack).set_up()


PHONE = "/profile/preferences/whatsapp"
BAD: list[tuple[str, str, str, dict[str, Any], int]] = [
    ("unknown path", "GET", "/profile/nothing", {}, 404),
    ("unknown service", "GET", "/kitchen", {}, 404),
    ("internal path", "POST", "/internal/tokens", {}, 404),
    ("metrics", "GET", "/metrics", {}, 404),
    ("malformed JSON", "PUT", "/profile/avatar", {"content": "{"}, 400),
    ("wrong type", "PUT", "/profile/avatar", {"json": AVATAR | {"age": "old"}}, 422),
    ("age 19", "PUT", "/profile/avatar", {"json": AVATAR | {"age": 19}}, 422),
    ("age 19 by change", "PATCH", "/profile/avatar", {"json": {"age": 19}}, 422),
    ("unknown personality", "PUT", "/profile/avatar", {"json": AVATAR | {"personality": "evil"}}, 422),
    ("empty name", "PUT", "/profile/avatar", {"json": AVATAR | {"name": ""}}, 422),
    ("long name", "PUT", "/profile/avatar", {"json": AVATAR | {"name": "x" * 81}}, 422),
    ("long looks", "PUT", "/profile/avatar", {"json": AVATAR | {"physical_description": "x" * 2001}}, 422),
    ("no number", "PUT", PHONE, {"json": {"phone": "call me"}}, 422),
    ("a number that cannot be", "PUT", PHONE, {"json": {"phone": "+49123"}}, 422),
    ("empty message", "POST", "/messages", {"json": {"content": ""}}, 422),
    ("long message", "POST", "/messages", {"json": {"content": "x" * 65537}}, 422),
    ("body over the limit", "POST", "/messages", {"content": b"x" * 1100000}, 413),
    ("another's role", "PUT", "/messages/018f0000-0000-7000-8000-000000000000",
     {"json": {"channel": "app", "role": "assistant", "content": "I am Ava"}}, 403),
    ("bad cursor", "GET", "/messages?cursor=x", {}, 422),
    ("limit 0", "GET", "/messages?limit=0", {}, 422),
    ("limit 201", "GET", "/messages?limit=201", {}, 422),
    ("no such message", "GET", "/messages/018f0000-0000-7000-8000-000000000000", {}, 404),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=[case[0] for case in BAD])
def test_bad_input_gets_a_clear_answer_and_changes_nothing(person: Person, case: Any) -> None:
    _, method, path, what, status = case
    before = person.everything()
    headers = {"Content-Type": "application/json"} if "content" in what else {}
    problem(person.http.request(method, path, headers=headers, **what), status)
    assert person.everything() == before


def test_a_second_avatar_is_refused(person: Person) -> None:
    before = person.everything()
    answer = person.http.put("/profile/avatar", json=AVATAR | {"name": "Eva"}, headers={"If-None-Match": "*"})
    problem(answer, 412)
    assert person.everything() == before


def test_a_number_in_use_is_refused_without_saying_whose(stack: Stack, person: Person) -> None:
    other = Person(stack)
    document = problem(other.http.put(PHONE, json={"phone": person.number}), 409)
    assert person.email not in json.dumps(document)
    assert person.id not in json.dumps(document)
    assert other.everything()[1]["whatsapp_phone"] is None


def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(person: Person) -> None:
    wrong = person.http.post("/auth/login", json={"email": person.email, "password": "not the password"})
    unknown = person.http.post(
        "/auth/login", json={"email": f"x{person.email}", "password": "not the password"}
    )
    documents = [problem(answer, 401) | {"instance": ""} for answer in (wrong, unknown)]
    assert documents[0] == documents[1]


def changed(token: str, **claims: Any) -> str:
    """The same token with other claims under the old signature."""
    head, body, signature = token.split(".")
    current = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(current | claims).encode()).decode().rstrip("=")
    return f"{head}.{forged}.{signature}"


def unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return f"{head}.{token.split('.')[1]}."


FORGERIES: dict[str, Callable[[str], str]] = {
    "garbage": lambda token: "garbage",
    "expired": lambda token: changed(token, exp=int(time.time()) - 60),
    "another user's": lambda token: changed(token, sub="018f0000-0000-7000-8000-000000000000"),
    "wrong audience": lambda token: changed(token, aud="anon"),
    "service role": lambda token: changed(token, role="service_role"),
    "unsigned": unsigned,
    "cut short": lambda token: token[:-3],
}
PROTECTED = [
    ("GET", "/profile/avatar"), ("PUT", "/profile/avatar"), ("PATCH", "/profile/avatar"),
    ("DELETE", "/profile/avatar"), ("GET", "/profile/preferences"), ("PUT", PHONE), ("DELETE", PHONE),
    ("GET", "/messages"), ("POST", "/messages"), ("GET", "/messages/export"), ("GET", "/auth/me"),
    ("POST", "/auth/logout"), ("PUT", "/auth/password"), ("DELETE", "/auth/account"), ("GET", "/auth/export"),
]  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_opens_no_route(stack: Stack, person: Person, forgery: str) -> None:
    before = person.everything()
    bearer = {"Authorization": f"Bearer {FORGERIES[forgery](person.token)}"}
    for method, path in PROTECTED:
        url = f"{stack.public_url}{path}"
        problem(httpx.request(method, url, headers=bearer, timeout=60, trust_env=False), 401)
    assert person.everything() == before


def test_no_token_opens_no_route(stack: Stack) -> None:
    for method, path in PROTECTED:
        problem(httpx.request(method, f"{stack.public_url}{path}", timeout=60, trust_env=False), 401)


def posted(stack: Stack, **what: Any) -> list[dict[str, Any]]:
    answer = httpx.post(f"{stack.simulator_url}/simulator/webhooks", json=what, timeout=60, trust_env=False)
    answers: list[dict[str, Any]] = answer.json()["answers"]
    return answers


@pytest.mark.parametrize("signature", ["missing", "wrong", "non-ascii", "sha256=", "sha256=zz", "md5=abc"])
def test_a_webhook_that_is_not_genuine_is_refused(stack: Stack, signature: str) -> None:
    (answer,) = posted(stack, body='{"object":"whatsapp_business_account"}', signature=signature)
    assert answer["status"] in (401, 403)
    assert "urn:ava:problem:" in json.dumps(answer["body"])


def test_a_webhook_over_the_limit_is_refused(stack: Stack) -> None:
    (answer,) = posted(stack, body="x" * (4 * 1024 * 1024 + 1), signature="good")
    assert answer["status"] == 413


def test_a_genuine_webhook_with_broken_json_is_stored_and_answered_with_200(stack: Stack) -> None:
    (answer,) = posted(stack, body='{"broken": ', signature="good")
    assert answer["status"] == 200
