"""Consumers write down what they expect by running their own code; rooms are held to it as real processes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ava_local.postgres import free_port

os.environ["PACT_DO_NOT_TRACK"] = "true"

from pact import Pact, match

PACTS = Path(__file__).parent / "pacts"
REFRESH = "AVA_REFRESH_CONTRACTS"
START_SECONDS = 120
PROBLEM = "application/problem+json"


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

    def tell(self, pact: Pact) -> None:
        told = pact.upon_receiving(self.description).given(self.state).with_request(self.method, self.path)
        if self.signed:
            told.with_header("Authorization", match.regex("Bearer a.b.c", regex=r"^Bearer [\w.-]+$"))
        for name, value in self.headers.items():
            told.with_header(name, value)
        for name, value in self.query.items():
            told.with_query_parameter(name, value)
        if self.body is not None:
            told.with_body(self.body, "application/json" if isinstance(self.body, dict) else None)
        told.will_respond_with(self.status)
        if self.answer is not None:
            told.with_body(self.answer, self.content_type)


@dataclass
class Agreement:
    """What one consumer expects of one provider."""

    consumer: str
    provider: str
    folder: Path

    @contextmanager
    def expecting(self, *interactions: Interaction) -> Iterator[str]:
        """The address of a provider that answers exactly these; every one of them must be asked."""
        pact = Pact(self.consumer, self.provider).with_specification("V4")
        for interaction in interactions:
            interaction.tell(pact)
        with pact.serve(addr="127.0.0.1") as server:
            yield str(server.url)
        pact.write_file(self.folder)

    def settle(self) -> None:
        """The committed file says the same; with AVA_REFRESH_CONTRACTS=1 it does from now on."""
        name = f"{self.consumer}-{self.provider}.json"
        said = (self.folder / name).read_text()
        if os.environ.get(REFRESH):
            (PACTS / name).write_text(said)
        assert (PACTS / name).read_text() == said, f"refresh it: {REFRESH}=1 python -m pytest tests/contract"


@pytest.fixture
def agreement(tmp_path: Path) -> Callable[[str, str], Any]:
    @contextmanager
    def agree(consumer: str, provider: str) -> Iterator[Agreement]:
        made = Agreement(consumer, provider, tmp_path)
        yield made
        made.settle()

    return agree


async def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as client:
        while True:
            assert process.poll() is None, "the process ended before it was ready"
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running(command: list[str], ready: str, variables: dict[str, str]) -> AsyncIterator[None]:
    """A process of ours from ready to gone; its lines are thrown away."""
    process = subprocess.Popen(  # noqa: ASYNC220 (returns at once)
        [sys.executable, "-m", *command], env={**os.environ, **variables}, stdout=subprocess.DEVNULL
    )
    try:
        await _until_ready(ready, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Starts a room as production does, with uvicorn and variables, and returns its address."""
    async with AsyncExitStack() as stack:

        async def start(room: str, variables: dict[str, str]) -> str:
            port = free_port()
            package = f"ava_{room.replace('-', '_')}"
            command = ["uvicorn", "--factory", f"{package}.app:build", "--host", "127.0.0.1"]
            command += ["--port", str(port), "--no-access-log", "--no-server-header"]
            url = f"http://127.0.0.1:{port}"
            await stack.enter_async_context(running(command, f"{url}/readyz", variables))
            return url

        yield start


@pytest.fixture
async def start_supabase() -> AsyncIterator[Callable[[dict[str, str]], Awaitable[str]]]:
    """Starts the Supabase Auth stand-in, told SUPABASE_AUTH_* variables, and returns its address."""
    async with AsyncExitStack() as stack:

        async def start(settings: dict[str, str]) -> str:
            port = free_port()
            told = {f"SUPABASE_AUTH_{name}": value for name, value in settings.items()}
            url = f"http://127.0.0.1:{port}"
            variables = {**told, "SUPABASE_AUTH_PORT": str(port)}
            command = ["ava_local.supabase_auth"]
            await stack.enter_async_context(running(command, f"{url}/healthz", variables))
            return url

        yield start


@pytest.fixture
def interaction() -> type[Interaction]:
    return Interaction
