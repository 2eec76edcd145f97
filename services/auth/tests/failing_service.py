"""Auth with a database and a Supabase Auth that can be made to fail at a chosen moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from ava_local.testing.databases import Database
from ava_local.testing.postgres_front import Front, front_of

from .conftest import PASSWORD, PUBLISHABLE, OpenService, Person, Supabase
from .supabase_in_between import InBetween, in_between

NEW = "another-lantern-3"
TOKEN, USER, LOG_OUT, ADMIN = (
    f"{method} /auth/v1/{path}"
    for method, path in (("POST", "token"), ("PUT", "user"), ("POST", "logout"), ("DELETE", "admin/users"))
)


@dataclass(frozen=True)
class Failing:
    """A client of auth, whose database and whose Supabase Auth can be made to fail."""

    client: httpx.AsyncClient
    front: Front
    between: InBetween
    person: Person
    supabase: Supabase

    def fail_database(self) -> None:
        self.front.fail = "57P03"

    async def log_in(self, password: str = PASSWORD) -> dict[str, Any]:
        body = {"email": self.person.email, "password": password}
        answer = await self.client.post("/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def password_is(self, password: str) -> bool:
        """As Supabase Auth itself says, whether or not the database of auth is there."""
        body = {"email": self.person.email, "password": password}
        query = {"grant_type": "password"}
        headers = {"apikey": PUBLISHABLE}
        url = f"{self.supabase.url}/auth/v1/token"
        async with httpx.AsyncClient() as http:
            return (await http.post(url, json=body, params=query, headers=headers)).is_success

    async def link(self) -> dict[str, str]:
        assert (await self.client.post("/auth/recover", json={"email": self.person.email})).is_success
        (mail,) = await self.supabase.mails(self.person.email)
        token = httpx.QueryParams(mail["link"].partition("?")[2] or mail["link"].partition("#")[2])
        return {"type": "recovery", "token_hash": token["token_hash"], "new_password": NEW}


@asynccontextmanager
async def failing_service(
    open_service: OpenService, database: Database, supabase: Supabase, person: Person
) -> AsyncIterator[Failing]:
    async with front_of(database.url("ava_auth")) as front, in_between(supabase.url) as between:
        settings = {
            "database_url": front.url(database.url("ava_auth")),
            "supabase_url": between.url,
            "supabase_jwt_issuer": f"{supabase.url}/auth/v1",
        }
        async with open_service(**settings) as client:
            yield Failing(client, front, between, person, supabase)
