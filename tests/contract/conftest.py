"""Consumers record what they expect by running their own code; services are verified as real processes.

Decision 0074.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from identity.services import Services, running_services

from ava_local.ports import free_port
from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer
from ava_local.testing.waiting import until_ready

os.environ["PACT_DO_NOT_TRACK"] = "true"

from pact import Pact, match

PACTS = Path(__file__).parent / "pacts"
REFRESH = "AVA_REFRESH_CONTRACTS"


@dataclass
class Interaction:
    """One request of a consumer, and the part of the answer it relies on."""

    description: str
    state: str
    method: str
    path: str
    status: int
    answer: Any = None
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)
    signed: bool = True
    content_type: str = "application/json"

    def add_to(self, pact: Pact) -> None:
        """Tell the pact of this request and answer."""
        made = pact.upon_receiving(self.description).given(self.state).with_request(self.method, self.path)
        if self.signed:
            made.with_header("Authorization", match.regex("Bearer a.b.c", regex=r"^Bearer [\w.-]+$"))
        for name, value in self.headers.items():
            made.with_header(name, value)
        for name, value in self.query.items():
            made.with_query_parameter(name, value)
        if self.body is not None:
            made.with_body(self.body, "application/json" if isinstance(self.body, dict) else None)
        made.will_respond_with(self.status)
        if self.answer is not None:
            made.with_body(self.answer, self.content_type)


@dataclass
class Contract:
    """What one consumer expects of one provider."""

    consumer: str
    provider: str
    folder: Path

    @contextmanager
    def expecting(self, *interactions: Interaction) -> Iterator[str]:
        """The URL of a provider that answers exactly these; every one of them must be asked."""
        pact = Pact(self.consumer, self.provider).with_specification("V4")
        for interaction in interactions:
            interaction.add_to(pact)
        with pact.serve(addr="127.0.0.1") as server:
            yield str(server.url)
        pact.write_file(self.folder)

    def compare_with_the_committed_one(self) -> None:
        """Fails unless the committed file is the same; AVA_REFRESH_CONTRACTS=1 writes it anew first."""
        name = f"{self.consumer}-{self.provider}.json"
        recorded = (self.folder / name).read_text()
        if os.environ.get(REFRESH):
            (PACTS / name).write_text(recorded)
        assert (PACTS / name).read_text() == recorded, (
            f"refresh it: {REFRESH}=1 python -m pytest tests/contract"
        )


WRITTEN_BY: dict[tuple[str, str], str] = {}
"""The test that writes each contract: a second one would replace the file, and what it says."""


@pytest.fixture
def contract(processes: None, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    @contextmanager
    def between(consumer: str, provider: str) -> Iterator[Contract]:
        assert WRITTEN_BY.setdefault((consumer, provider), request.node.nodeid) == request.node.nodeid
        made = Contract(consumer, provider, tmp_path)
        yield made
        made.compare_with_the_committed_one()

    return between


@asynccontextmanager
async def running(command: list[str], ready: str, variables: dict[str, str]) -> AsyncIterator[None]:
    """One of our processes, from ready to gone; its output is discarded."""
    process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
        [sys.executable, "-m", *command], env={**os.environ, **variables}, stdout=subprocess.DEVNULL
    )
    try:
        await until_ready(ready, process)
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
async def start_service() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Starts a service as production does, with its command and variables, and returns its URL."""
    async with AsyncExitStack() as stack:

        async def start(service: str, variables: dict[str, str]) -> str:
            port = free_port()
            package = f"ava_{service.replace('-', '_')}"
            command = ["ava_common.serve", f"{package}.app:build", "--host", "127.0.0.1"]
            command += ["--port", str(port)]
            url = f"http://127.0.0.1:{port}"
            await stack.enter_async_context(running(command, f"{url}/readyz", variables))
            return url

        yield start


@pytest.fixture
async def start_supabase() -> AsyncIterator[Callable[[dict[str, str]], Awaitable[str]]]:
    """Starts the Supabase Auth stand-in with these SUPABASE_AUTH_* variables, and returns its URL."""
    async with AsyncExitStack() as stack:

        async def start(settings: dict[str, str]) -> str:
            port = free_port()
            prefixed = {f"SUPABASE_AUTH_{name}": value for name, value in settings.items()}
            url = f"http://127.0.0.1:{port}"
            variables = {**prefixed, "SUPABASE_AUTH_PORT": str(port)}
            command = ["ava_supabase_standin"]
            await stack.enter_async_context(running(command, f"{url}/healthz", variables))
            return url

        yield start


@pytest.fixture
async def services(database: Database, issuer: Issuer) -> AsyncIterator[Services]:
    """The four services side by side in this process."""
    async with running_services(database, issuer) as running:
        yield running


@pytest.fixture
def interaction() -> type[Interaction]:
    return Interaction
