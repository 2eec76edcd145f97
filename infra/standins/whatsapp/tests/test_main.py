"""The simulator as a process of its own: where it listens, and what it says about wrong settings."""

import os
import subprocess
import sys
import time

import httpx
import pytest

from ava_local.ports import free_port

pytestmark = pytest.mark.usefixtures("processes")

ENVIRONMENT = {
    "WEBHOOK_URL": "http://127.0.0.1:9/", "APP_SECRET": "a", "VERIFY_TOKEN": "b", "ACCESS_TOKEN": "c",
}  # fmt: skip


def start(**changed: str) -> subprocess.Popen[bytes]:
    environment = {f"WHATSAPP_SIMULATOR_{name}": value for name, value in (ENVIRONMENT | changed).items()}
    command = [sys.executable, "-m", "ava_whatsapp_simulator"]
    return subprocess.Popen(
        command, env=os.environ | environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])  # noqa: S104
def test_it_refuses_to_listen_on_other_than_loopback_addresses(host: str) -> None:
    process = start(HOST=host)
    _, output = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"WHATSAPP_SIMULATOR_HOST" in output


def test_it_says_which_settings_are_missing_and_never_their_values() -> None:
    process = start(APP_SECRET="", PORT="many", WEBHOOK_URL="nowhere", SEED="x")
    _, output = process.communicate(timeout=60)
    assert process.returncode == 2
    assert sorted(output.decode().splitlines()) == [
        "WHATSAPP_SIMULATOR_APP_SECRET: must not be empty",
        "WHATSAPP_SIMULATOR_PORT: must be a whole number",
        "WHATSAPP_SIMULATOR_SEED: must be a whole number",
        "WHATSAPP_SIMULATOR_WEBHOOK_URL: does not have the expected format (^https?://)",
    ]


def test_it_serves_until_it_is_asked_to_stop() -> None:
    port = free_port()
    process = start(PORT=str(port))
    try:
        assert _alive(port, time.monotonic() + 60)
        sent = httpx.post(
            f"http://127.0.0.1:{port}/simulator/phones/+4915112345678/messages",
            json={"text": "x"},
            timeout=60,
        )
        assert sent.status_code == 201
        assert process.stdout
        logged = next(line for line in process.stdout if b'"answer"' in line)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=60)
    assert process.returncode in (0, -15)
    assert b'"answer": "ConnectError"' in logged
    assert b"4915112345678" not in logged + output


def _alive(port: int, deadline: float) -> bool:
    while time.monotonic() < deadline:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
    return False
