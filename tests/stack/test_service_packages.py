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


def run(code: str) -> str:
    command = [str(definition.SERVICES_PYTHON), "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_services_have_the_packages_of_their_lock_files_and_no_others(processes: None) -> None:
    locks = "".join((ROOT / "services" / name / "requirements.lock").read_text() for name in SERVICES)
    pinned = dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^ ;\\]+)", locks))
    installed = json.loads(run(INSTALLED))
    assert len(installed) > 20
    assert installed.items() <= pinned.items()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_started_with_them(processes: None, tmp_path: Path, service: str) -> None:
    environment = Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {})
    assert definition.service(environment, service).command[0] == str(definition.SERVICES_PYTHON)
    package = f"ava_{service.replace('-', '_')}"
    assert run(f"import {package}; print({package}.__file__)").startswith(str(ROOT / "services" / service))


def test_what_hashes_passwords_gives_way_to_the_services(processes: None, tmp_path: Path) -> None:
    """Hosted, it is another machine."""
    environment = Environment(StackLayout(tmp_path, 8080), load_or_create(tmp_path / "secrets.json"), {})
    niceness = {process.name: process.niceness for process in definition.processes(environment)}
    assert niceness.pop("supabase-auth") > 0
    assert set(niceness.values()) == {0}
