"""Each service describes itself in openapi.json, and behaves as described."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx
import pytest
from jwt.algorithms import ECAlgorithm

from ava_local.stack.environment import SERVICES, Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer, SigningKey

ROOT = Path(__file__).parents[2]
REFRESH = "AVA_REFRESH_CONTRACTS"
PREFIXES = {
    "auth": "/auth",
    "profile": "/profile",
    "messaging": "/messages",
    "whatsapp-gateway": "/webhooks/whatsapp",
}
DESCRIBE = "import json, ava_{0}.app as service; print(json.dumps(service.build().openapi(), indent=2))"


def local_variables(service: str, folder: Path) -> dict[str, str]:
    """What the local stack tells this service, with its secrets in this folder."""
    return Environment(StackLayout(folder, 8080), load_or_create(folder / "secrets.json"), {}).service(
        service
    )


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.usefixtures("processes")
def test_the_committed_description_is_the_one_the_service_serves(service: str, tmp_path: Path) -> None:
    variables = local_variables(service, tmp_path)
    code = DESCRIBE.format(service.replace("-", "_"))
    served = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    committed = ROOT / "services" / service / "openapi.json"
    if os.environ.get(REFRESH):
        committed.write_text(served)
    assert json.loads(committed.read_text()) == json.loads(served), (
        f"refresh it: {REFRESH}=1 pytest {__file__}"
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_documents_its_refusals(service: str) -> None:
    paths = json.loads((ROOT / "services" / service / "openapi.json").read_text())["paths"]
    silent = [
        f"{method} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if ("requestBody" in operation or operation.get("security"))
        and not set(operation["responses"]) - {"200", "201", "202", "204", "422"}
    ]
    assert silent == []


async def run_schemathesis(url: str, service: str, token: str, place: Path, *options: str) -> None:
    """Fails, with what schemathesis found, unless every answer is one that the description allows."""
    configuration = Path(__file__).parent / "schemathesis" / f"{service}.toml"
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        str(program),
        "--config-file",
        str(configuration),
        "run",
        f"{url}{PREFIXES[service]}/openapi.json",
    ]
    command += ["-H", f"Authorization: Bearer {token}", "--no-color"]
    command += ["--request-timeout", "60", *options]
    run = partial(subprocess.run, command, cwd=place, capture_output=True, text=True, check=False)
    done = await asyncio.to_thread(run)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", ["profile", "messaging"])
async def test_a_service_behaves_as_it_describes_itself(
    service: str,
    database: Database,
    issuer: Issuer,
    start_service: Callable[..., Awaitable[str]],
    tmp_path: Path,
) -> None:
    person = await database.person()
    own = {f"{service.upper()}_DATABASE_URL": database.url(f"ava_{service}")}
    if service == "profile":
        own |= {"PROFILE_LINK_ACCOUNT_ATTEMPTS": "100000", "PROFILE_LINK_NETWORK_ATTEMPTS": "100000"}
    url = await start_service(service, {"SUPABASE_URL": issuer.url, "AUTH_URL": issuer.url, **own})
    await run_schemathesis(url, service, issuer.token(person), tmp_path)
    if service == "messaging":
        briefly = ["--include-method", "PUT", "--phases", "coverage,fuzzing"]
        await run_schemathesis(url, service, issuer.delegated(person), tmp_path, *briefly)


@pytest.mark.timeout(600)
async def test_auth_behaves_as_it_describes_itself(
    database: Database,
    start_service: Callable[..., Awaitable[str]],
    start_supabase: Callable[[dict[str, str]], Awaitable[str]],
    tmp_path: Path,
) -> None:
    keys = {"PUBLISHABLE_KEY": "sb_publishable_of_the_contracts", "SECRET_KEY": "sb_secret_of_the_contracts"}
    signing = json.dumps([ECAlgorithm.to_jwk(SigningKey("a").private, as_dict=True) | {"kid": "a"}])
    settings = {"SITE_URL": "http://127.0.0.1:8080", "JWT_KEYS": signing, "RATE_LIMIT_BURST": "100000"}
    supabase = await start_supabase({"DATABASE_URL": database.url("supabase_auth_admin"), **settings, **keys})
    upstream = dict.fromkeys(
        ["SUPABASE_URL", "AUTH_URL", "PROFILE_URL", "MESSAGING_URL", "PUBLIC_URL"], supabase
    )
    own = {
        "AUTH_DATABASE_URL": database.url("ava_auth"),
        "AUTH_SIGNING_KEYS": signing,
        "AUTH_CLIENTS": '{"whatsapp-gateway": ["the secret of the contracts"]}',
        "AUTH_NETWORK_ATTEMPTS": "100000",
        "AUTH_ACCOUNT_ATTEMPTS": "100000",
        "AUTH_EVEN_SECONDS": "0",
    }
    url = await start_service(
        "auth", {**upstream, **own, **{f"SUPABASE_{name}": key for name, key in keys.items()}}
    )
    credentials = {"email": "ada@people.example", "password": "quiet-harbour-7"}
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        (await http.post("/auth/signup", json=credentials)).raise_for_status()
        token = (await http.post("/auth/login", json=credentials)).json()["access_token"]
    await run_schemathesis(
        url, "auth", token, tmp_path, "--exclude-path-regex", "^/auth/(session|logout|export)"
    )
    await run_schemathesis(
        url, "auth", token, tmp_path, "--include-path", "/auth/session", "-H", "Sec-Fetch-Site: same-origin"
    )


@pytest.mark.timeout(600)
async def test_the_gateway_behaves_as_it_describes_itself(
    database: Database, start_service: Callable[..., Awaitable[str]], tmp_path: Path
) -> None:
    variables = local_variables("whatsapp-gateway", tmp_path)
    own = {"WHATSAPP_GATEWAY_DATABASE_URL": database.url("ava_whatsapp_gateway")}
    await run_schemathesis(
        await start_service("whatsapp-gateway", variables | own), "whatsapp-gateway", "unused", tmp_path
    )
