"""Each room describes itself in openapi.json, and behaves as it says."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ava_local.environment import Environment
from ava_local.places import Places
from ava_local.secrets import keep

ROOT = Path(__file__).parents[2]
REFRESH = "AVA_REFRESH_CONTRACTS"
ROOMS = ["auth", "profile", "messaging", "whatsapp-gateway"]
PREFIXES = {"profile": "/profile", "messaging": "/messages"}
DESCRIBE = "import json, ava_{0}.app as room; print(json.dumps(room.build().openapi(), indent=2))"


@pytest.mark.parametrize("room", ROOMS)
def test_the_committed_description_is_the_one_the_room_serves(room, tmp_path):
    told = Environment(Places(tmp_path, 8080), keep(tmp_path / "secrets.json"), {}).room(room)
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
@pytest.mark.parametrize("room", PREFIXES)
async def test_a_room_behaves_as_it_describes_itself(room, database, issuer, start, tmp_path):
    person = await database.person()
    own = {f"{room.upper()}_DATABASE_URL": database.url(f"ava_{room}")}
    url = await start(room, {"SUPABASE_URL": issuer.url, "AUTH_URL": issuer.url, **own})
    await attack(url, room, issuer.token(person), tmp_path)
    if room == "messaging":
        briefly = ["--include-method", "PUT", "--phases", "coverage,fuzzing"]
        await attack(url, room, issuer.delegated(person), tmp_path, *briefly)
