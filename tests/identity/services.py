"""The four services as applications side by side in this process; they trust the tests' issuer."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from jwt.algorithms import ECAlgorithm

from ava_auth import app as auth
from ava_auth.settings import Settings as AuthSettings
from ava_local.testing.databases import Database
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import Issuer, SigningKey
from ava_messaging import app as messaging
from ava_messaging.settings import Settings as MessagingSettings
from ava_profile import app as profile
from ava_profile.settings import Settings as ProfileSettings
from ava_whatsapp_gateway import app as gateway
from ava_whatsapp_gateway.settings import Settings as GatewaySettings

GATEWAY_CLIENT = ("whatsapp-gateway", "a-secret-of-two-services")
NOWHERE = "http://127.0.0.1:9"
VERBS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Route:
    """One operation of one service as its OpenAPI describes it."""

    service: str
    method: str
    path: str
    security: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def target(self) -> str:
        return self.path.replace("{message_id}", str(uuid4()))


@dataclass(frozen=True)
class Services:
    """Every service's application and a client of it."""

    apps: dict[str, FastAPI]
    clients: dict[str, httpx.AsyncClient]

    def described(self) -> list[Route]:
        return [
            Route(service, verb.upper(), path, _security(operation))
            for service, app in self.apps.items()
            for path, operations in app.openapi()["paths"].items()
            for verb, operation in operations.items()
            if verb in VERBS
        ]

    def protected(self) -> list[Route]:
        """Every route that needs a person's token: a new one is included by itself."""
        return [route for route in self.described() if "HTTPBearer" in route.security]

    async def ask(self, route: Route, token: str | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return await self.clients[route.service].request(route.method, route.target, headers=headers)


def _security(operation: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for requirement in operation.get("security", []) for name in requirement)


def _apps(database: Database, issuer: Issuer, supabase_of_auth: dict[str, Any]) -> dict[str, FastAPI]:
    trust: dict[str, Any] = {"supabase_url": issuer.url, "auth_url": issuer.url, "_env_file": None}
    key = ECAlgorithm.to_jwk(SigningKey("auth-a").private, as_dict=True) | {"kid": "auth-a"}
    here: dict[str, Any] = dict.fromkeys(["profile_url", "messaging_url", "public_url"], NOWHERE)
    keys: dict[str, Any] = {
        "supabase_publishable_key": "sb_publishable_0123",
        "supabase_secret_key": "sb_secret_0123456789",
    }
    own: dict[str, Any] = {
        "signing_keys": json.dumps([key]),
        "clients": {GATEWAY_CLIENT[0]: [GATEWAY_CLIENT[1]]},
    }
    whatsapp: dict[str, Any] = {
        **dict.fromkeys(["auth_url", "profile_url", "messaging_url", "graph_api_url"], NOWHERE),
        **dict.fromkeys(["verify_token", "access_token"], "a-secret-of-the-gateway"),
        "client_secret": GATEWAY_CLIENT[1],
        "app_secrets": ["a-secret-of-our-meta-app"],
        "phone_number_id": "106540352242922",
        "_env_file": None,
    }
    return {
        "auth": auth.create_app(
            AuthSettings.model_validate(
                {"database_url": database.url("ava_auth")} | trust | here | keys | own | supabase_of_auth
            )
        ),
        "profile": profile.create_app(
            ProfileSettings.model_validate({"database_url": database.url("ava_profile")} | trust)
        ),
        "messaging": messaging.create_app(
            MessagingSettings.model_validate({"database_url": database.url("ava_messaging")} | trust)
        ),
        "whatsapp-gateway": gateway.create_app(
            GatewaySettings.model_validate({"database_url": database.url("ava_whatsapp_gateway")} | whatsapp)
        ),
    }


@asynccontextmanager
async def running_services(
    database: Database, issuer: Issuer, **supabase_of_auth: Any
) -> AsyncIterator[Services]:
    """All four; `supabase_of_auth` are settings with which auth asks a Supabase Auth of its own."""
    apps = _apps(database, issuer, supabase_of_auth)
    async with AsyncExitStack() as stack:
        clients = {}
        for service, app in apps.items():
            clients[service] = await stack.enter_async_context(client_of_started(app))
        yield Services(apps, clients)
