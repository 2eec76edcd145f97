"""Lock files pin every package by hash, name no host, and agree with each other."""

import re

from ava_local.devtools import lock_files
from ava_local.repository import ROOT


def test_locks_pin_every_package_by_hash_and_name_no_host() -> None:
    targets = [target for target, _ in lock_files.lock_commands(upgrade=False)]
    assert "services/auth/requirements.lock" in targets
    for target in [*targets, "infra/local/bootstrap.lock"]:
        text = (ROOT / target).read_text()
        assert "://" not in text
        packages = re.findall(r"^[a-z0-9][^\n]*(?:\n    [^\n]*)*", text, re.MULTILINE)
        assert packages
        assert [
            package for package in packages if "==" not in package or "--hash=sha256:" not in package
        ] == []


def test_a_service_is_locked_to_the_versions_that_were_tested_together() -> None:
    def pins(target: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / target).read_text(), re.MULTILINE))

    for target, _ in lock_files.lock_commands(upgrade=False):
        assert pins(target) <= pins("requirements.lock"), target
