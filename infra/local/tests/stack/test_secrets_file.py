"""Secrets are generated once per stack, and readable by their owner only."""

import stat
from pathlib import Path

from ava_local.stack.secrets_file import load_or_create


def test_secrets_are_generated_once_for_each_stack_and_are_private(tmp_path: Path) -> None:
    first, second = (
        load_or_create(tmp_path / "a" / "secrets.json"),
        load_or_create(tmp_path / "b" / "secrets.json"),
    )
    assert load_or_create(tmp_path / "a" / "secrets.json") == first
    assert set(first.passwords.values()).isdisjoint(second.passwords.values())
    assert first.signing_key["d"] != second.signing_key["d"]
    assert stat.S_IMODE((tmp_path / "a" / "secrets.json").stat().st_mode) == 0o600
