"""No answer tells who has an account: not by its words, status, headers or duration."""

import asyncio
from typing import Any

import httpx
import pytest

from .conftest import PASSWORD, OpenService, Person, Supabase, new_email
from .supabase_in_between import in_between


def seen(answer: httpx.Response) -> tuple[int, frozenset[str], dict[str, Any]]:
    """Everything an outsider sees of an answer, except its id."""
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    return answer.status_code, frozenset(answer.headers) - {"x-request-id"}, body


async def test_signing_up_with_a_known_address_looks_like_signing_up_with_a_new_one(
    client: httpx.AsyncClient, person: Person
) -> None:
    known = await client.post("/auth/signup", json={"email": person.email, "password": "another-lantern-3"})
    new = await client.post("/auth/signup", json={"email": new_email(), "password": "another-lantern-3"})
    assert seen(known) == seen(new)
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 200


async def test_the_same_holds_where_addresses_must_be_confirmed(
    open_service: OpenService, confirming_supabase: Supabase
) -> None:
    async with open_service(supabase_url=confirming_supabase.url) as client:
        (confirmed,) = await confirming_supabase.people()
        unconfirmed = new_email()
        answers = [
            await client.post("/auth/signup", json={"email": email, "password": PASSWORD})
            for email in (unconfirmed, unconfirmed, confirmed.email, new_email())
        ]
    assert len({str(seen(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("path", ["/auth/recover", "/auth/resend"])
async def test_asking_for_an_email_gets_the_same_answer_for_every_address_and_every_time(
    client: httpx.AsyncClient, person: Person, path: str
) -> None:
    answers = [
        await client.post(path, json={"email": email}) for email in (person.email, person.email, new_email())
    ]
    assert len({str(seen(answer)) for answer in answers}) == 1


async def test_a_wrong_password_and_an_unknown_address_look_alike(
    client: httpx.AsyncClient, person: Person
) -> None:
    wrong = await client.post("/auth/login", json=person.credentials | {"password": "wrong one"})
    unknown = await client.post("/auth/login", json={"email": new_email(), "password": "wrong one"})
    assert seen(wrong) == seen(unknown)


@pytest.mark.parametrize("path", ["/auth/login", "/auth/signup", "/auth/recover"])
async def test_the_duration_tells_nothing_either(
    open_service: OpenService, person: Person, path: str
) -> None:
    step = 0.5
    clock = asyncio.get_running_loop().time
    async with open_service(even_seconds=step) as client:
        for email in (person.email, new_email()):
            body = {"email": email} | ({} if path == "/auth/recover" else {"password": "quiet-lantern-9"})
            started = clock()
            await client.post(path, json=body)
            assert clock() - started >= step


async def test_nothing_else_of_the_upstream_response_is_passed_on(
    client: httpx.AsyncClient, person: Person
) -> None:
    answer = await client.post("/auth/login", json=person.credentials)
    assert set(answer.json()["user"]) == {"id", "email"}
    assert answer.headers["cache-control"] == "no-store"
    assert not [name for name in answer.headers if name.startswith("sb-") or name == "x-sb-error-code"]


SLOW_SECONDS = 5.0


@pytest.mark.parametrize("path", ["/auth/recover", "/auth/resend", "/auth/signup"])
async def test_a_mail_that_takes_long_is_not_waited_for(
    open_service: OpenService, confirming_supabase: Supabase, path: str
) -> None:
    """Supabase Auth sends it before it answers, and to some addresses only."""
    (person,) = await confirming_supabase.people()
    email = new_email() if path == "/auth/signup" else person.email
    body = {"email": email} | ({"password": PASSWORD} if path == "/auth/signup" else {})
    clock, asked = asyncio.get_running_loop().time, f"POST {path.replace('/auth/', '/auth/v1/')}"
    async with in_between(confirming_supabase.url) as between:
        between.slow[asked] = SLOW_SECONDS
        async with open_service(supabase_url=between.url, even_seconds=0.4) as client:
            started = clock()
            assert (await client.post(path, json=body)).status_code == 202
            assert clock() - started < SLOW_SECONDS
            assert asked not in between.answered
        assert asked in between.answered, "the service has stopped before the mail was sent"
    if path != "/auth/resend":  # whose address is confirmed already
        assert len(await confirming_supabase.mails(email)) == 1


async def test_where_nothing_is_mailed_a_sign_up_is_waited_for(
    open_service: OpenService, supabase: Supabase
) -> None:
    """So that one can log in as soon as it is answered."""
    who = {"email": new_email(), "password": PASSWORD}
    async with (
        in_between(supabase.url) as between,
        open_service(
            supabase_url=between.url, supabase_jwt_issuer=f"{supabase.url}/auth/v1", even_seconds=0.4
        ) as client,
    ):
        between.slow["POST /auth/v1/signup"] = 1
        assert (await client.post("/auth/signup", json=who)).status_code == 202
        assert (await client.post("/auth/login", json=who)).status_code == 200


@pytest.mark.parametrize("path", ["/auth/recover", "/auth/resend"])
@pytest.mark.parametrize(
    "refusal", [(400, "email_address_not_authorized"), (500, "unexpected_failure")], ids=lambda one: one[1]
)
async def test_who_cannot_be_sent_a_mail_is_not_told_from_strangers(
    open_service: OpenService, supabase: Supabase, path: str, refusal: tuple[int, str]
) -> None:
    """Supabase Auth says so once it is about to send, and so of known addresses only."""
    async with in_between(supabase.url) as between, open_service(supabase_url=between.url) as client:
        between.refused = {"POST /auth/v1/re": refusal}
        assert (await client.post(path, json={"email": new_email()})).status_code == 202
