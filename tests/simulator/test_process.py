"""The simulator as a process of its own."""

import os
import subprocess
import sys
import time

import httpx
import pytest

from ava_local.postgres import free_port

ENVIRONMENT = {
    "WEBHOOK_URL": "http://127.0.0.1:9/", "APP_SECRET": "a", "VERIFY_TOKEN": "b", "ACCESS_TOKEN": "c",
}  # fmt: skip


def start(**changed):
    environment = {f"WHATSAPP_SIMULATOR_{name}": value for name, value in (ENVIRONMENT | changed).items()}
    command = [sys.executable, "-m", "ava_local.whatsapp_simulator"]
    return subprocess.Popen(
        command, env=os.environ | environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])  # noqa: S104
def test_it_refuses_to_listen_to_anybody_else(host):
    process = start(HOST=host)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"WHATSAPP_SIMULATOR_HOST" in words


def test_it_says_which_settings_are_missing_and_never_their_values():
    process = start(APP_SECRET="", PORT="many")
    _, words = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"WHATSAPP_SIMULATOR_APP_SECRET" in words
    assert b"WHATSAPP_SIMULATOR_PORT" in words


def test_it_serves_until_it_is_asked_to_stop():
    port = free_port()
    process = start(PORT=str(port))
    try:
        assert _alive(port, time.monotonic() + 60)
        said = httpx.post(
            f"http://127.0.0.1:{port}/simulator/phones/+4915112345678/messages",
            json={"text": "x"},
            timeout=60,
        )
        assert said.status_code == 201
        told = next(line for line in process.stdout if b'"answer"' in line)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=60)
    assert process.returncode in (0, -15)
    assert b'"answer": "ConnectError"' in told
    assert b"4915112345678" not in told + output


def _alive(port, deadline):
    while time.monotonic() < deadline:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
    return False
