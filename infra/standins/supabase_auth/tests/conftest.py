"""The project under test: the stand-in in this process, or a real one (AVA_CONTRACT_SUPABASE_URL)."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
import pytest_asyncio

from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import TEMPLATE, Database, drop_database, new_database
from ava_local.testing.running_app import client_of, started
from ava_supabase_standin.app import create_app
from ava_supabase_standin.settings import Settings

REMOTE = os.environ.get("AVA_CONTRACT_SUPABASE_URL")
PUBLISHABLE = os.environ.get("AVA_CONTRACT_SUPABASE_PUBLISHABLE_KEY", "sb_publishable_of_these_tests")
SECRET = os.environ.get("AVA_CONTRACT_SUPABASE_SECRET_KEY", "sb_secret_of_these_tests")
# A real project refuses made-up domains; name one that may receive nothing.
DOMAIN = os.environ.get("AVA_CONTRACT_EMAIL_DOMAIN", "people.example")
PASSWORD = "a quokka with 9 lanterns"
# Made once, because it is slow on purpose.
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10, b"2a")).decode()
SITE = "http://127.0.0.1:8080"
CODED = "2024-01-01"


@dataclass
class Person:
    """An account created by these tests."""

    id: str
    email: str
    password: str = PASSWORD


@dataclass
class Project:
    """A Supabase project, used over HTTP; `state` is the stand-in's folder, None for a real project."""

    http: httpx.AsyncClient
    state: Path | None = None
    created_ids: list[str] = field(default_factory=list)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = PUBLISHABLE,
        token: str | None = None,
        version: str | None = CODED,
        **headers: str,
    ) -> httpx.Response:
        """One request below /auth/v1; underscores in header names become dashes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"apikey": key} if key else {}
        sent |= {"X-Supabase-Api-Version": version} if version else {}
        sent |= {"Authorization": f"Bearer {token}"} if token else {}
        for pause in (0, 5, 20, 60):
            await asyncio.sleep(pause)
            answer = await self.http.request(method, f"/auth/v1{path}", json=body, headers=sent)
            if not (REMOTE and answer.status_code == 429 and "over_request" in answer.text):
                break
        return answer

    async def admin(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.call(method, f"/admin{path}", body, key=SECRET, **more)

    async def person(self, email: str | None = None, **attributes: Any) -> Person:
        """A confirmed account."""
        wanted = {"email": email or new_email(), "email_confirm": True, **attributes}
        wanted |= {} if "password" in attributes else {"password_hash": HASH}
        answer = await self.admin("POST", "/users", wanted)
        assert answer.status_code == 200, answer.text
        self.created_ids.append(answer.json()["id"])
        return Person(answer.json()["id"], wanted["email"], wanted.get("password", PASSWORD))

    async def login(self, person: Person, password: str | None = None, **headers: str) -> httpx.Response:
        wanted = {"email": person.email, "password": password or person.password}
        return await self.call("POST", "/token?grant_type=password", wanted, **headers)

    async def tokens(self, person: Person) -> dict[str, Any]:
        """The response of a successful login."""
        answer = await self.login(person)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refresh(self, refresh_token: str, **headers: str) -> httpx.Response:
        return await self.call(
            "POST", "/token?grant_type=refresh_token", {"refresh_token": refresh_token}, **headers
        )

    async def user(self, token: str, **headers: str) -> httpx.Response:
        return await self.call("GET", "/user", token=token, **headers)

    async def mails(self, to: str) -> list[dict[str, Any]]:
        """The captured e-mails, newest first."""
        return list((await self.http.get("/outbox", params={"to": to})).json()["mails"])

    async def link(self, kind: str, email: str, **more: Any) -> dict[str, Any]:
        """The response of generate_link; works on both."""
        answer = await self.admin("POST", "/generate_link", {"type": kind, "email": email, **more})
        assert answer.status_code == 200, answer.text
        self.created_ids.append(answer.json()["id"])
        return dict(answer.json())

    async def delete_users(self) -> None:
        for user_id in dict.fromkeys(self.created_ids):
            await self.admin("DELETE", f"/users/{user_id}")


MakeStandin = Callable[..., Awaitable[Project]]


def new_email() -> str:
    return f"ava-{secrets.token_hex(6)}@{DOMAIN}"


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    """The response is this error, in the 2024-01-01 shape."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text


if REMOTE:

    @pytest.fixture(name="make_standin")
    def no_standin() -> MakeStandin:
        """Tests that need the stand-in's own settings or internals cannot run against a real project."""
        pytest.skip("needs the stand-in itself, but AVA_CONTRACT_SUPABASE_URL names a real project")

    @pytest_asyncio.fixture(loop_scope="session", name="project")
    async def real_project() -> AsyncIterator[Project]:
        """The real project; every user created in it is deleted again."""
        assert REMOTE
        async with httpx.AsyncClient(base_url=REMOTE, timeout=60) as http:
            real = Project(http)
            yield real
            await real.delete_users()

else:

    @asynccontextmanager
    async def running(database: Database, state: Path, **settings: Any) -> AsyncIterator[Project]:
        """A stand-in in this process on a database, with any settings."""
        wanted = {
            "database_url": database.url("supabase_auth_admin"),
            "state_dir": state,
            "site_url": SITE,
            "publishable_key": PUBLISHABLE,
            "secret_key": SECRET,
            "external_url": "http://127.0.0.1/auth/v1",
            **settings,
        }
        app = create_app(Settings(**wanted))
        async with (
            started(app) as running_app,
            client_of(running_app, "http://127.0.0.1", raise_app_exceptions=False) as http,
        ):
            yield Project(http, wanted["state_dir"])

    @pytest_asyncio.fixture(loop_scope="session", name="make_standin")
    async def standin_maker(database: Database, tmp_path: Path) -> AsyncIterator[MakeStandin]:
        """Start stand-ins on the test's own database, with any settings."""
        async with AsyncExitStack() as standins:

            async def make(**settings: Any) -> Project:
                return await standins.enter_async_context(running(database, tmp_path / "state", **settings))

            yield make

    @pytest_asyncio.fixture(scope="session", loop_scope="session", name="project")
    async def shared_standin(
        cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
    ) -> AsyncIterator[Project]:
        """One stand-in, shared by all tests that could also run against a real project."""
        database = await new_database(cluster, "standin_shared", template=TEMPLATE)
        state = tmp_path_factory.mktemp("state")
        async with running(database, state, rate_limit_burst=100_000) as shared:
            yield shared
        await drop_database(cluster, database.name)
