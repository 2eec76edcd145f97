"""The four services side by side, for tests that attack them all."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from identity.services import Services, running_services
from jwt.algorithms import ECAlgorithm

from ava_local.ports import free_port
from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer, SigningKey
from ava_local.testing.waiting import until_ready

KEYS = {"publishable": "sb_publishable_of-the-attacks", "secret": "sb_secret_of-the-attacks"}
ADA = {"email": "ada@people.example", "password": "quiet-harbour-7"}


@pytest.fixture
async def services(database: Database, issuer: Issuer) -> AsyncIterator[Services]:
    async with running_services(database, issuer) as running:
        yield running


@pytest.fixture
async def attacked(database: Database, issuer: Issuer) -> AsyncIterator[tuple[Services, str]]:
    """The services, auth with a Supabase Auth stand-in of its own; and the token of one of its users."""
    port = free_port()
    supabase, jwk = f"http://127.0.0.1:{port}", ECAlgorithm.to_jwk(SigningKey("s").private, as_dict=True)
    values = {
        "DATABASE_URL": database.url("supabase_auth_admin"),
        "PORT": str(port),
        "JWT_KEYS": json.dumps([jwk | {"kid": "s"}]),
        "SITE_URL": "http://127.0.0.1:8080",
        "PUBLISHABLE_KEY": KEYS["publishable"],
        "SECRET_KEY": KEYS["secret"],
        "RATE_LIMIT_BURST": "100000",
        "RATE_LIMIT_EMAIL_SENT_PER_HOUR": "100000",
    }
    variables = {**os.environ, **{f"SUPABASE_AUTH_{name}": value for name, value in values.items()}}
    process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
        [sys.executable, "-m", "ava_supabase_standin"], env=variables, stdout=subprocess.DEVNULL
    )
    own: dict[str, Any] = {"supabase_url": supabase, "even_seconds": 0, "network_attempts": 1_000_000}
    own |= {f"supabase_{name}_key": key for name, key in KEYS.items()} | {"account_attempts": 1_000_000}
    try:
        await until_ready(f"{supabase}/healthz", process)
        async with running_services(database, issuer, **own) as services:
            auth = services.clients["auth"]
            assert (await auth.post("/auth/signup", json=ADA)).status_code == 202
            yield services, (await auth.post("/auth/login", json=ADA)).json()["access_token"]
    finally:
        process.terminate()
        process.wait(60)
