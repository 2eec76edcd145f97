"""The auth service as a test meets it: over HTTP, with the Supabase Auth stand-in as a real process."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import bcrypt
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ava_auth.app import create_app
from ava_auth.settings import Settings
from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.testing.accounts import Account
from ava_local.testing.databases import Database, drop_database, new_database
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import Issuer
from ava_local.testing.waiting import until_ready

PUBLISHABLE, SECRET = "sb_publishable_of-the-tests", "sb_secret_of-the-auth-tests"
GATEWAY = ("whatsapp-gateway", "the-gateways-client-secret")
PAGE = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "quiet-harbour-7"


@dataclass(frozen=True)
class Person:
    """A user with an account."""

    id: UUID
    email: str
    password: str = PASSWORD

    @property
    def credentials(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}


@dataclass(frozen=True)
class Supabase:
    """A running Supabase Auth and the database it keeps."""

    url: str
    database: Database

    async def mails(self, to: str) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(base_url=self.url) as http:
            found = await http.get("/outbox", params={"to": to})
            return list(found.json()["mails"])

    async def people(self, count: int = 1) -> list[Person]:
        """Accounts whose password is cheap to check, so that tests do not spend their time on bcrypt."""
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        made = [Person(uuid4(), f"{secrets.token_hex(6)}@people.example") for _ in range(count)]
        await self.database.people(*(Account(one.id, one.email, hashed) for one in made))
        return made


def new_email() -> str:
    return f"{secrets.token_hex(6)}@people.example"


def signing_key(kid: str = "auth-a") -> dict[str, Any]:
    private = ec.generate_private_key(ec.SECP256R1())
    return {**ECAlgorithm.to_jwk(private, as_dict=True), "kid": kid}


@asynccontextmanager
async def running_supabase(cluster: Any, **settings: str) -> AsyncIterator[Supabase]:
    """`python -m ava_supabase_standin` on a free port, with a database of its own."""
    name = f"ava_supabase_{secrets.token_hex(3)}"
    database, port = await new_database(cluster, name, template="ava_template"), free_port()
    url = f"http://127.0.0.1:{port}"
    values = {
        "DATABASE_URL": database.url("supabase_auth_admin"),
        "PORT": str(port),
        "JWT_KEYS": json.dumps([signing_key("supabase-a")]),
        "SITE_URL": "http://127.0.0.1:8080",
        "PUBLISHABLE_KEY": PUBLISHABLE,
        "SECRET_KEY": SECRET,
        "RATE_LIMIT_BURST": "100000",
        "RATE_LIMIT_EMAIL_SENT_PER_HOUR": "100000",
        **settings,
    }
    process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
        [sys.executable, "-m", "ava_supabase_standin"],
        env={**os.environ, **{f"SUPABASE_AUTH_{name}": value for name, value in values.items()}},
        stdout=subprocess.DEVNULL,
    )
    try:
        await until_ready(f"{url}/healthz", process)
        yield Supabase(url, database)
    finally:
        process.terminate()
        process.wait(60)
        await drop_database(cluster, name)


@pytest.fixture(scope="session")
async def supabase(cluster: Cluster) -> AsyncIterator[Supabase]:
    """Supabase Auth as a project without e-mail confirmation."""
    async with running_supabase(cluster) as running:
        yield running


@pytest.fixture(scope="session")
async def confirming_supabase(cluster: Cluster) -> AsyncIterator[Supabase]:
    """Supabase Auth as a project that confirms e-mail addresses."""
    async with running_supabase(cluster, MAILER_AUTOCONFIRM="false") as running:
        yield running


@pytest.fixture
def settings(database: Database, supabase: Supabase, issuer: Issuer) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database.url("ava_auth"),
            "supabase_url": supabase.url,
            "supabase_publishable_key": PUBLISHABLE,
            "supabase_secret_key": SECRET,
            "auth_url": issuer.url,
            "profile_url": "http://127.0.0.1:9",
            "messaging_url": "http://127.0.0.1:9",
            "public_url": "http://127.0.0.1:8080",
            "signing_keys": json.dumps([signing_key()]),
            "clients": {GATEWAY[0]: [GATEWAY[1]]},
            "even_seconds": 0,
        }
    )


OpenService = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def open_service(settings: Settings) -> OpenService:
    """Start the service with some settings changed."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(Settings.model_validate(dict(settings) | changes))
        async with client_of_started(app) as client:
            yield client

    return opened


@pytest.fixture
async def client(open_service: OpenService) -> AsyncIterator[httpx.AsyncClient]:
    async with open_service() as client:
        yield client


@pytest.fixture
async def person(supabase: Supabase) -> Person:
    return (await supabase.people())[0]


LogIn = Callable[[Person], Awaitable[dict[str, Any]]]


@pytest.fixture
def log_in(client: httpx.AsyncClient) -> LogIn:
    """Log a user in; their session as the service returned it."""

    async def log_in(person: Person) -> dict[str, Any]:
        answer = await client.post("/auth/login", json=person.credentials)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return log_in


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


AuditEvents = Callable[[], Awaitable[list[str]]]


@pytest.fixture
def audit_events(database: Database) -> AuditEvents:
    """The names of the events in the audit log, oldest first."""

    async def events() -> list[str]:
        return [row["event"] for row in await database.admin("select event from accounts.audit order by id")]

    return events
