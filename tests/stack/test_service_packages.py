"""The local stack runs the services with the packages that they have in production, and no others."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from ava_local.repository import ROOT
from ava_local.stack import definition
from ava_local.stack.environment import SERVICES, Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

INSTALLED = """
import importlib.metadata, json
found = importlib.metadata.distributions()
print(json.dumps({each.metadata["Name"].lower().replace("_", "-"): each.version for each in found}))
"""


def run(service: str, code: str) -> str:
    command = [str(definition.services_python(service)), "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_packages_of_its_lock_file_and_no_others(processes: None, service: str) -> None:
    lock = (ROOT / "services" / service / "requirements.lock").read_text()
    pinned = dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^ ;\\]+)", lock))
    installed = json.loads(run(service, INSTALLED))
    assert len(installed) > 20
    assert installed.items() <= pinned.items()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_started_with_them(processes: None, tmp_path: Path, service: str) -> None:
    environment = Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {})
    python = str(definition.services_python(service))
    assert definition.service(environment, service).command[0] == python
    package = f"ava_{service.replace('-', '_')}"
    found = run(service, f"import {package}; print({package}.__file__)")
    assert found.startswith(str(ROOT / "services" / service))


def test_what_hashes_passwords_gives_way_to_the_services(processes: None, tmp_path: Path) -> None:
    """Hosted, it is another machine."""
    environment = Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {})
    niceness = {process.name: process.niceness for process in definition.processes(environment)}
    assert niceness.pop("supabase-auth") > 0
    assert set(niceness.values()) == {0}
