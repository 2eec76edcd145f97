"""The official Python and JavaScript clients, unmodified, against a stand-in started as a process."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from ava_local.ports import free_port
from ava_local.testing.databases import Database
from ava_local.testing.waiting import until_ready

from .conftest import PUBLISHABLE, REMOTE, SECRET, SITE, new_email

pytestmark = pytest.mark.timeout(400)  # the first test that needs the npm packages installs them
CLIENTS = Path(__file__).parent / "clients"
RSA_KEY = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True)
SIGNING: dict[str, dict[str, str]] = {
    "ES256": {},
    "RS256": {"JWT_KEYS": json.dumps([RSA_KEY | {"kid": "rsa-1", "alg": "RS256"}])},
    "HS256": {"JWT_ALGORITHM": "HS256", "JWT_SECRET": "the-shared-secret-of-a-project-of-old"},
}

if REMOTE:

    @pytest.fixture(name="served")
    def served_remotely() -> str:
        """The real project's address."""
        assert REMOTE
        return REMOTE

else:

    @pytest_asyncio.fixture(loop_scope="session", name="served", params=["ES256", "RS256", "HS256"])
    async def served_here(
        database: Database, tmp_path: Path, request: pytest.FixtureRequest
    ) -> AsyncIterator[str]:
        """A stand-in, started as the local stack starts it, with each kind of key a project may have."""
        port = free_port()
        settings = {
            "DATABASE_URL": database.url("supabase_auth_admin"),
            "PORT": str(port),
            "STATE_DIR": str(tmp_path),
            "SITE_URL": SITE,
            "PUBLISHABLE_KEY": PUBLISHABLE,
            "SECRET_KEY": SECRET,
            **SIGNING[request.param],
        }
        environment = os.environ | {f"SUPABASE_AUTH_{name}": value for name, value in settings.items()}
        with started(environment) as process:
            await until_ready(f"http://127.0.0.1:{port}/healthz", process)
            yield f"http://127.0.0.1:{port}"


@contextmanager
def started(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "ava_supabase_standin"], env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.strip().endswith("done")


async def test_the_python_client_takes_an_account_from_sign_up_to_deletion(served: str) -> None:
    run(sys.executable, str(CLIENTS / "account_lifecycle.py"), served, PUBLISHABLE, SECRET, new_email())


@pytest.mark.parametrize("script", ["account_lifecycle", "sessions"])
async def test_the_javascript_client_takes_an_account_from_sign_up_to_deletion(
    served: str, npm_programs: Path, script: str
) -> None:
    modules = str(npm_programs.parent.parent)
    run("node", str(CLIENTS / f"{script}.mjs"), served, PUBLISHABLE, SECRET, new_email(), modules)
