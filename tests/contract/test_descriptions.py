"""Each room describes itself in openapi.json, and behaves as it says."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from jwt.algorithms import ECAlgorithm

from ava_local.stack.environment import Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.testing.token_issuer import SigningKey

ROOT = Path(__file__).parents[2]
REFRESH = "AVA_REFRESH_CONTRACTS"
ROOMS = ["auth", "profile", "messaging", "whatsapp-gateway"]
PREFIXES = {
    "auth": "/auth",
    "profile": "/profile",
    "messaging": "/messages",
    "whatsapp-gateway": "/webhooks/whatsapp",
}
DESCRIBE = "import json, ava_{0}.app as room; print(json.dumps(room.build().openapi(), indent=2))"


@pytest.mark.parametrize("room", ROOMS)
def test_the_committed_description_is_the_one_the_room_serves(room, tmp_path):
    told = Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {}).service(
        room
    )
    code = DESCRIBE.format(room.replace("-", "_"))
    served = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **told}, capture_output=True, text=True, check=True
    ).stdout
    committed = ROOT / "services" / room / "openapi.json"
    if os.environ.get(REFRESH):
        committed.write_text(served)
    assert json.loads(committed.read_text()) == json.loads(served), (
        f"refresh it: {REFRESH}=1 pytest {__file__}"
    )


async def attack(url: str, room: str, token: str, place: Path, *options: str) -> None:
    """Fails, with what schemathesis found, unless every answer is one the description foresees."""
    configuration = Path(__file__).parent / "schemathesis" / f"{room}.toml"
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "--config-file", configuration, "run", f"{url}{PREFIXES[room]}/openapi.json"]
    command += ["-H", f"Authorization: Bearer {token}", "--no-color", *options]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("room", ["profile", "messaging"])
async def test_a_room_behaves_as_it_describes_itself(room, database, issuer, start, tmp_path):
    person = await database.person()
    own = {f"{room.upper()}_DATABASE_URL": database.url(f"ava_{room}")}
    url = await start(room, {"SUPABASE_URL": issuer.url, "AUTH_URL": issuer.url, **own})
    await attack(url, room, issuer.token(person), tmp_path)
    if room == "messaging":
        briefly = ["--include-method", "PUT", "--phases", "coverage,fuzzing"]
        await attack(url, room, issuer.delegated(person), tmp_path, *briefly)


@pytest.mark.timeout(300)
async def test_auth_behaves_as_it_describes_itself(database, start, start_supabase, tmp_path):
    keys = {"PUBLISHABLE_KEY": "sb_publishable_of_the_contracts", "SECRET_KEY": "sb_secret_of_the_contracts"}
    signing = json.dumps([ECAlgorithm.to_jwk(SigningKey("a").private, as_dict=True) | {"kid": "a"}])
    told = {"SITE_URL": "http://127.0.0.1:8080", "JWT_KEYS": signing, "RATE_LIMIT_BURST": "100000"}
    supabase = await start_supabase({"DATABASE_URL": database.url("supabase_auth_admin"), **told, **keys})
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
    url = await start("auth", {**upstream, **own, **{f"SUPABASE_{name}": key for name, key in keys.items()}})
    somebody = {"email": "ada@people.example", "password": "quiet-harbour-7"}
    async with httpx.AsyncClient(base_url=url) as http:
        (await http.post("/auth/signup", json=somebody)).raise_for_status()
        token = (await http.post("/auth/login", json=somebody)).json()["access_token"]
    await attack(url, "auth", token, tmp_path, "--exclude-path-regex", "^/auth/(session|logout|export)")
    await attack(
        url, "auth", token, tmp_path, "--include-path", "/auth/session", "-H", "Sec-Fetch-Site: same-origin"
    )


@pytest.mark.timeout(300)
async def test_the_gateway_behaves_as_it_describes_itself(database, start, tmp_path):
    told = Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {}).service(
        "whatsapp-gateway"
    )
    own = {"WHATSAPP_GATEWAY_DATABASE_URL": database.url("ava_whatsapp_gateway")}
    await attack(await start("whatsapp-gateway", told | own), "whatsapp-gateway", "unused", tmp_path)
