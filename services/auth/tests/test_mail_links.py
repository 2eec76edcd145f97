"""E-mails and their links: confirm an address, replace a forgotten password."""

import re
from typing import Any

import httpx
import pytest

from .conftest import PASSWORD, OpenService, Supabase, new_email

NEW = "another-lantern-3"


@pytest.fixture
async def confirming_client(open_service: OpenService, confirming_supabase: Supabase) -> Any:
    async with open_service(supabase_url=confirming_supabase.url) as client:
        yield client


async def link_in_mail(supabase: Supabase, email: str) -> dict[str, str]:
    """What the page reads from the newest e-mail's link: its fragment, which no server is ever sent."""
    mail = (await supabase.mails(email))[0]
    fragment = mail["link"].partition("#")[2]
    found = dict(re.findall(r"(type|token_hash)=([^&]+)", fragment))
    assert set(found) == {"type", "token_hash"}
    return found


async def sign_up(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> None:
    assert (await client.post("/auth/signup", json={"email": email, "password": password})).status_code == 202


async def status_of_log_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    return (await client.post("/auth/login", json={"email": email, "password": password})).status_code


async def test_an_address_is_confirmed_with_the_link_and_a_password(
    confirming_client: httpx.AsyncClient, confirming_supabase: Supabase
) -> None:
    email = new_email()
    await sign_up(confirming_client, email)
    early = await confirming_client.post("/auth/login", json={"email": email, "password": PASSWORD})
    assert (early.status_code, early.json()["type"]) == (403, "urn:ava:problem:email-not-confirmed")
    link = await link_in_mail(confirming_supabase, email)
    opened = await confirming_client.post("/auth/verify", json={**link, "new_password": PASSWORD})
    assert (opened.status_code, set(opened.json())) == (200, {"message"})
    assert "set-cookie" not in opened.headers
    assert await status_of_log_in(confirming_client, email, PASSWORD) == 200


async def test_an_earlier_sign_up_with_the_same_address_does_not_keep_its_password(
    confirming_client: httpx.AsyncClient, confirming_supabase: Supabase
) -> None:
    email = new_email()
    await sign_up(confirming_client, email, "the-attackers-choice-1")
    await sign_up(confirming_client, email, PASSWORD)
    link = await link_in_mail(confirming_supabase, email)
    await confirming_client.post("/auth/verify", json={**link, "new_password": PASSWORD})
    assert await status_of_log_in(confirming_client, email, "the-attackers-choice-1") == 401
    assert await status_of_log_in(confirming_client, email, PASSWORD) == 200


async def test_a_forgotten_password_is_replaced_and_every_session_ends(
    confirming_client: httpx.AsyncClient, confirming_supabase: Supabase
) -> None:
    (person,) = await confirming_supabase.people()
    before = (await confirming_client.post("/auth/login", json=person.credentials)).json()
    await confirming_client.post("/auth/recover", json={"email": person.email})
    link = await link_in_mail(confirming_supabase, person.email)
    opened = await confirming_client.post("/auth/verify", json={**link, "new_password": NEW})
    assert opened.status_code == 200
    assert await status_of_log_in(confirming_client, person.email, PASSWORD) == 401
    assert await status_of_log_in(confirming_client, person.email, NEW) == 200
    old = await confirming_client.post("/auth/refresh", json={"refresh_token": before["refresh_token"]})
    assert old.status_code == 401


async def test_a_link_works_once(confirming_client: httpx.AsyncClient, confirming_supabase: Supabase) -> None:
    (person,) = await confirming_supabase.people()
    await confirming_client.post("/auth/recover", json={"email": person.email})
    link = await link_in_mail(confirming_supabase, person.email)
    answers = [
        await confirming_client.post("/auth/verify", json={**link, "new_password": password})
        for password in (NEW, "a-third-harbour-5")
    ]
    assert [answer.status_code for answer in answers] == [200, 410]
    assert await status_of_log_in(confirming_client, person.email, NEW) == 200


async def test_a_refused_password_does_not_use_up_the_link(
    confirming_client: httpx.AsyncClient, confirming_supabase: Supabase
) -> None:
    (person,) = await confirming_supabase.people()
    await confirming_client.post("/auth/recover", json={"email": person.email})
    link = await link_in_mail(confirming_supabase, person.email)
    weak = await confirming_client.post("/auth/verify", json={**link, "new_password": "password1"})
    assert (weak.status_code, weak.json()["errors"][0]["pointer"]) == (422, "#/new_password")
    strong = await confirming_client.post("/auth/verify", json={**link, "new_password": NEW})
    assert strong.status_code == 200


async def test_opening_the_page_does_not_use_up_the_link(
    confirming_client: httpx.AsyncClient, confirming_supabase: Supabase
) -> None:
    (person,) = await confirming_supabase.people()
    await confirming_client.post("/auth/recover", json={"email": person.email})
    mail = (await confirming_supabase.mails(person.email))[0]
    for _ in range(3):  # as a mail scanner does; a fragment is never sent
        await confirming_client.get("/")
    link = await link_in_mail(confirming_supabase, person.email)
    assert mail["token_hash"] == link["token_hash"]
    assert (
        await confirming_client.post("/auth/verify", json={**link, "new_password": NEW})
    ).status_code == 200


async def test_the_confirmation_can_be_sent_again(
    confirming_client: httpx.AsyncClient, confirming_supabase: Supabase
) -> None:
    email = new_email()
    await sign_up(confirming_client, email)
    await confirming_supabase.database.admin(
        "update auth.users set confirmation_sent_at = now() - interval '2 minutes' where email = $1", email
    )
    assert (await confirming_client.post("/auth/resend", json={"email": email})).status_code == 202
    assert len(await confirming_supabase.mails(email)) == 2


@pytest.mark.parametrize("kind", ["invite", "magiclink", "email_change", ""])
async def test_other_kinds_of_links_are_refused(confirming_client: httpx.AsyncClient, kind: str) -> None:
    body = {"type": kind, "token_hash": "0" * 56, "new_password": NEW}
    assert (await confirming_client.post("/auth/verify", json=body)).status_code == 422
