"""The keys that sign delegated tokens."""

import subprocess
import sys

import pytest

from ava_auth.issuer import read_keys

pytestmark = pytest.mark.usefixtures("processes")


def test_a_new_signing_key_is_accepted_by_the_settings() -> None:
    command = [sys.executable, "-m", "ava_auth", "key"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert len(read_keys(f"[{made}]")) == 1
