"""The export: everything that belongs to a user, from every service, as one file."""

from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from .conftest import OpenService, Person, bearer
from .fake_peers import OWN, FakePeers, running_peers


@pytest.fixture
async def peers() -> AsyncIterator[FakePeers]:
    async with running_peers() as running:
        yield running


async def export(open_service: OpenService, peers: FakePeers, person: Person) -> httpx.Response:
    async with open_service(profile_url=peers.url, messaging_url=peers.url) as client:
        session = (await client.post("/auth/login", json=person.credentials)).json()
        return await client.get("/auth/export", headers=bearer(session))


async def test_the_export_is_one_file_collected_with_the_users_own_token(
    open_service: OpenService, peers: FakePeers, person: Person
) -> None:
    answer = await export(open_service, peers, person)
    assert answer.headers["content-disposition"] == 'attachment; filename="ava.json"'
    file = orjson.loads(answer.content)
    assert (file["account"]["id"], file["account"]["email"]) == (str(person.id), person.email)
    assert file["avatar"] == {"name": "Mira"}
    assert file["preferences"] == {"whatsapp_phone": None}
    assert [message["content"] for message in file["messages"]] == ["hello", "line\nbreak"]
    assert file["whatsapp_identities"] == OWN["/profile/whatsapp-identities"]
    assert [known["network"] for known in file["familiar_networks"]] == ["127.0.0.1"]
    assert "login.succeeded" in [event["event"] for event in file["security_events"]]
    assert len(set(peers.tokens)) == 1


async def test_a_user_without_an_avatar_can_export_too(
    open_service: OpenService, peers: FakePeers, person: Person
) -> None:
    peers.avatar = False
    assert orjson.loads((await export(open_service, peers, person)).content)["avatar"] is None


@pytest.mark.parametrize("away", ["/profile/avatar", "/profile/preferences", "/messages/export"])
async def test_the_export_is_refused_rather_than_incomplete_while_a_service_is_away(
    open_service: OpenService, peers: FakePeers, person: Person, away: str
) -> None:
    peers.away = away
    refused = await export(open_service, peers, person)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("status", [200, 404, 301, 403])
@pytest.mark.parametrize("page", ["/profile/avatar", "/profile/preferences", "/messages/export"])
async def test_a_page_in_a_services_place_is_not_exported(
    open_service: OpenService, peers: FakePeers, person: Person, page: str, status: int
) -> None:
    peers.away, peers.instead = page, status
    refused = await export(open_service, peers, person)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


async def test_a_broken_export_never_looks_complete(
    open_service: OpenService, peers: FakePeers, person: Person
) -> None:
    peers.broken = True
    with pytest.raises(httpx.HTTPError):
        await export(open_service, peers, person)


async def test_the_export_has_refused_log_ins_too(
    open_service: OpenService, peers: FakePeers, person: Person
) -> None:
    """They are kept under the digest of the address: nobody was logged in yet."""
    async with open_service(profile_url=peers.url, messaging_url=peers.url) as client:
        await client.post("/auth/login", json=person.credentials | {"password": "a wrong guess"})
        session = (await client.post("/auth/login", json=person.credentials)).json()
        file = (await client.get("/auth/export", headers=bearer(session))).json()
    assert "login.refused" in [event["event"] for event in file["security_events"]]


PARTS = [*OWN, "/messages/export"]


@pytest.mark.parametrize("refusal", ["account-gone", "session-ended", "invalid-token"])
@pytest.mark.parametrize("ended", PARTS)
async def test_an_export_that_meets_the_end_says_so(
    open_service: OpenService, peers: FakePeers, person: Person, ended: str, refusal: str
) -> None:
    peers.ended, peers.refusal = ended, refusal
    refused = await export(open_service, peers, person)
    assert (refused.status_code, refused.json()["type"]) == (401, f"urn:ava:problem:{refusal}")
    peers.refusal = "something-else"
    assert (await export(open_service, peers, person)).status_code == 503


async def test_beside_a_profile_of_an_earlier_release_only_the_identities_are_missing(
    open_service: OpenService, peers: FakePeers, person: Person
) -> None:
    """Release 0.1.0 does not serve them; every other path was there, and its absence is a fault."""
    for peers.unknown in PARTS:
        answer = await export(open_service, peers, person)
        if peers.unknown == "/profile/whatsapp-identities":
            assert answer.status_code == 200, answer.text
            assert orjson.loads(answer.content)["whatsapp_identities"] is None
        else:
            assert answer.status_code == 503, peers.unknown


async def test_the_export_names_the_networks_that_a_password_was_proven_from(
    open_service: OpenService, peers: FakePeers, person: Person
) -> None:
    """A log-in is remembered by the digest of the address, a change of the password by the account's id."""
    async with open_service(profile_url=peers.url, messaging_url=peers.url) as client:
        session = (await client.post("/auth/login", json=person.credentials)).json()
        there = bearer(session) | {"X-Forwarded-For": "203.0.113.9"}
        body = {"current_password": person.password, "new_password": "another-lantern-3"}
        assert (await client.put("/auth/password", json=body, headers=there)).status_code == 204
        file = (await client.get("/auth/export", headers=there)).json()
    networks = [known["network"] for known in file["familiar_networks"]]
    assert networks == ["127.0.0.1", "203.0.113.9"]
