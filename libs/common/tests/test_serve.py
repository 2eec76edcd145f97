"""Every service is served by one command, and by another server too."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ava_local.ports import free_port
from ava_local.testing.waiting import until_ready


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("command", "way"),
    [
        (["ava_common.serve"], "the protocol"),
        (["uvicorn", "--factory"], "ASGI"),
        (["uvicorn", "--factory", "--http", "h11"], "ASGI"),
    ],
)
async def test_a_service_is_served_with_our_protocol_and_by_a_plain_uvicorn_without(
    command: list[str], way: str
) -> None:
    port = free_port()
    words = [*command, "cups_service:build", "--port", str(port), "--app-dir", str(Path(__file__).parent)]
    process = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        await until_ready(f"http://127.0.0.1:{port}/healthz", process)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/cups/way")
    finally:
        process.terminate()
        process.wait(30)
    assert answer.json() == {"way": way}
    assert "server" not in answer.headers or command[0] == "uvicorn"
