"""Mails and their links: confirm an address, replace a forgotten password."""

import re
from typing import Any

import httpx
import pytest

from .conftest import PASSWORD, OpenService, Supabase, new_email

NEW = "another-lantern-3"


@pytest.fixture
async def mailing_room(open_service: OpenService, confirming: Supabase) -> Any:
    async with open_service(supabase_url=confirming.url) as client:
        yield client


async def link_in_mail(confirming: Supabase, email: str) -> dict[str, str]:
    """What the page reads from the newest mail's link: its fragment, which no server ever sees."""
    mail = (await confirming.mails(email))[0]
    fragment = mail["link"].partition("#")[2]
    found = dict(re.findall(r"(type|token_hash)=([^&]+)", fragment))
    assert set(found) == {"type", "token_hash"}
    return found


async def sign_up(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> None:
    assert (await client.post("/auth/signup", json={"email": email, "password": password})).status_code == 202


async def status_of_log_in(client: httpx.AsyncClient, email: str, password: str) -> int:
    return (await client.post("/auth/login", json={"email": email, "password": password})).status_code


async def test_an_address_is_confirmed_with_the_link_and_a_password(
    mailing_room: httpx.AsyncClient, confirming: Supabase
) -> None:
    email = new_email()
    await sign_up(mailing_room, email)
    early = await mailing_room.post("/auth/login", json={"email": email, "password": PASSWORD})
    assert (early.status_code, early.json()["type"]) == (403, "urn:ava:problem:email-not-confirmed")
    link = await link_in_mail(confirming, email)
    opened = await mailing_room.post("/auth/verify", json={**link, "new_password": PASSWORD})
    assert (opened.status_code, set(opened.json())) == (200, {"message"})
    assert "set-cookie" not in opened.headers
    assert await status_of_log_in(mailing_room, email, PASSWORD) == 200


async def test_who_signed_up_before_with_my_address_does_not_keep_their_password(
    mailing_room: httpx.AsyncClient, confirming: Supabase
) -> None:
    email = new_email()
    await sign_up(mailing_room, email, "the-thiefs-choice-1")
    await sign_up(mailing_room, email, PASSWORD)
    link = await link_in_mail(confirming, email)
    await mailing_room.post("/auth/verify", json={**link, "new_password": PASSWORD})
    assert await status_of_log_in(mailing_room, email, "the-thiefs-choice-1") == 401
    assert await status_of_log_in(mailing_room, email, PASSWORD) == 200


async def test_a_forgotten_password_is_replaced_and_every_session_ends(
    mailing_room: httpx.AsyncClient, confirming: Supabase
) -> None:
    (person,) = await confirming.people()
    before = (await mailing_room.post("/auth/login", json=person.credentials)).json()
    await mailing_room.post("/auth/recover", json={"email": person.email})
    link = await link_in_mail(confirming, person.email)
    opened = await mailing_room.post("/auth/verify", json={**link, "new_password": NEW})
    assert opened.status_code == 200
    assert await status_of_log_in(mailing_room, person.email, PASSWORD) == 401
    assert await status_of_log_in(mailing_room, person.email, NEW) == 200
    old = await mailing_room.post("/auth/refresh", json={"refresh_token": before["refresh_token"]})
    assert old.status_code == 401


async def test_a_link_works_once(mailing_room: httpx.AsyncClient, confirming: Supabase) -> None:
    (person,) = await confirming.people()
    await mailing_room.post("/auth/recover", json={"email": person.email})
    link = await link_in_mail(confirming, person.email)
    answers = [
        await mailing_room.post("/auth/verify", json={**link, "new_password": password})
        for password in (NEW, "a-third-harbour-5")
    ]
    assert [answer.status_code for answer in answers] == [200, 410]
    assert await status_of_log_in(mailing_room, person.email, NEW) == 200


async def test_a_refused_password_does_not_spend_the_link(
    mailing_room: httpx.AsyncClient, confirming: Supabase
) -> None:
    (person,) = await confirming.people()
    await mailing_room.post("/auth/recover", json={"email": person.email})
    link = await link_in_mail(confirming, person.email)
    weak = await mailing_room.post("/auth/verify", json={**link, "new_password": "password1"})
    assert (weak.status_code, weak.json()["errors"][0]["pointer"]) == (422, "#/new_password")
    strong = await mailing_room.post("/auth/verify", json={**link, "new_password": NEW})
    assert strong.status_code == 200


async def test_opening_the_page_spends_no_link(mailing_room: httpx.AsyncClient, confirming: Supabase) -> None:
    (person,) = await confirming.people()
    await mailing_room.post("/auth/recover", json={"email": person.email})
    mail = (await confirming.mails(person.email))[0]
    for _ in range(3):  # what a mail scanner does; a fragment is never sent
        await mailing_room.get("/")
    link = await link_in_mail(confirming, person.email)
    assert mail["token_hash"] == link["token_hash"]
    assert (await mailing_room.post("/auth/verify", json={**link, "new_password": NEW})).status_code == 200


async def test_the_confirmation_can_be_sent_again(
    mailing_room: httpx.AsyncClient, confirming: Supabase
) -> None:
    email = new_email()
    await sign_up(mailing_room, email)
    await confirming.database.admin(
        "update auth.users set confirmation_sent_at = now() - interval '2 minutes' where email = $1", email
    )
    assert (await mailing_room.post("/auth/resend", json={"email": email})).status_code == 202
    assert len(await confirming.mails(email)) == 2


@pytest.mark.parametrize("kind", ["invite", "magiclink", "email_change", ""])
async def test_other_kinds_of_links_are_not_for_us(mailing_room: httpx.AsyncClient, kind: str) -> None:
    body = {"type": kind, "token_hash": "0" * 56, "new_password": NEW}
    assert (await mailing_room.post("/auth/verify", json=body)).status_code == 422
