"""Invalid tokens, against every route of auth that needs one."""

import itertools
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ava_local.testing.forged_tokens import FORGED_TOKENS
from ava_local.testing.token_issuer import Issuer

from .conftest import LogIn, OpenService, Person, Supabase

PROTECTED = [
    ("GET", "/auth/me", None),
    ("POST", "/auth/logout", None),
    ("PUT", "/auth/password", {"current_password": "a", "new_password": "quiet-harbour-8"}),
    ("DELETE", "/auth/account", {"password": "a"}),
    ("GET", "/auth/export", None),
]


@pytest.fixture
async def trusting_client(open_service: OpenService, issuer: Issuer) -> Any:
    """A client of auth that trusts the tests' issuer, so that only the flaw of each token decides."""
    async with open_service(supabase_url=issuer.url, auth_url=issuer.url) as client:
        valid = issuer.bearer(uuid4())
        assert (await client.get("/auth/me", headers=valid)).status_code == 200
        yield client


async def test_every_protected_route_refuses_every_forged_token(
    trusting_client: httpx.AsyncClient, issuer: Issuer
) -> None:
    for (method, path, body), (flaw, forge) in itertools.product(PROTECTED, FORGED_TOKENS.items()):
        headers = {"Authorization": f"Bearer {forge(issuer, uuid4())}"}
        refused = await trusting_client.request(method, path, json=body, headers=headers)
        invalid = (401, "urn:ava:problem:invalid-token")
        assert (refused.status_code, refused.json()["type"]) == invalid, (method, path, flaw)
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_request_without_a_token_is_refused(trusting_client: httpx.AsyncClient) -> None:
    for method, path, body in PROTECTED:
        refused = await trusting_client.request(method, path, json=body)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:not-signed-in"), path


async def test_the_token_of_a_deleted_account_is_refused_where_a_live_session_is_required(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, supabase: Supabase
) -> None:
    session = await log_in(person)
    await supabase.database.admin("delete from auth.users where id = $1", person.id)
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    for method, path, body in (PROTECTED[0], *PROTECTED[2:]):
        refused = await client.request(method, path, json=body, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:account-gone"), path
