"""No service calls it its own error, or anyone's fault, when the database is away: 503 and Retry-After."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import httpx
import pytest
from identity.services import Services, running_services

from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front, front_of
from ava_local.testing.token_issuer import Issuer
from ava_local.testing.waiting import eventually

Ask = Callable[[httpx.AsyncClient, Issuer], Awaitable[httpx.Response]]

AT_CONNECT = ("XX000", "53300", "53400", "28P01", "26000", "25006", "3D000", "57P03", "08006")
IN_A_STATEMENT = ("XX000", "53100", "25006", "26000", "57014", "58030", "08006", "40P01", "40001", "55P03")


@dataclass(frozen=True)
class DatabaseBehindFront(Database):
    """The same database, reached through a front."""

    front: Front | None = None

    def url(self, role: str) -> str:
        assert self.front is not None
        return self.front.url(super().url(role))


async def log_in(client: httpx.AsyncClient, _: Issuer) -> httpx.Response:
    return await client.post("/auth/login", json={"email": "ada@example.com", "password": "a long one 42"})


async def read_avatar(client: httpx.AsyncClient, issuer: Issuer) -> httpx.Response:
    return await client.get("/profile/avatar", headers=issuer.bearer(uuid4()))


async def write(client: httpx.AsyncClient, issuer: Issuer) -> httpx.Response:
    return await client.post("/messages", json={"content": "hello"}, headers=issuer.bearer(uuid4()))


async def deliver(client: httpx.AsyncClient, _: Issuer) -> httpx.Response:
    body = b'{"object": "whatsapp_business_account", "entry": []}'
    digest = hmac.new(b"a-secret-of-our-meta-app", body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}"}
    return await client.post("/webhooks/whatsapp", content=body, headers=headers)


ASKED: dict[str, Ask] = {
    "auth": log_in,
    "profile": read_avatar,
    "messaging": write,
    "whatsapp-gateway": deliver,
}


async def assert_away(services: Services, issuer: Issuer, state: str) -> None:
    for service, ask in ASKED.items():
        response = await ask(services.clients[service], issuer)
        assert response.status_code == 503, (service, state, response.text)
        assert response.headers["retry-after"] == "2"
        assert response.json()["type"] == "urn:ava:problem:database-away"


async def is_back(client: httpx.AsyncClient, issuer: Issuer, ask: Ask) -> bool:
    return (await ask(client, issuer)).status_code != 503


@pytest.mark.timeout(300)
async def test_a_database_that_is_away_is_told_as_that_by_every_service(
    database: Database, issuer: Issuer
) -> None:
    async with front_of(database.url("ava_profile")) as front:
        behind = DatabaseBehindFront(database.cluster, database.name, database.password, front)
        async with running_services(behind, issuer) as services:
            for front.fail in IN_A_STATEMENT:
                await assert_away(services, issuer, front.fail)
            front.fail = None
            for front.refuse in AT_CONNECT:
                front.cut()
                await assert_away(services, issuer, "cut")
                await assert_away(services, issuer, front.refuse)
            front.refuse = None
            for service in ("profile", "messaging", "whatsapp-gateway"):
                # A password that was refused is not tried again at once.
                await eventually(partial(is_back, services.clients[service], issuer, ASKED[service]))
