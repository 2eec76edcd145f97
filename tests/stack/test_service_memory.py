"""A service loads only what it uses: each library that is loaded takes memory in every process.

Decision 0176.
"""

import json
import subprocess

import pytest

from ava_local.stack import definition
from ava_local.stack.environment import SERVICES

FOR_OTHERS = {
    "auth": ["phonenumbers", "aiohttp"],
    "profile": ["aiohttp", "h2", "python_multipart", "regex", "supabase_auth"],
    "messaging": ["aiohttp", "h2", "phonenumbers", "python_multipart", "regex", "supabase_auth"],
    "whatsapp-gateway": ["cryptography", "h2", "jwt", "phonenumbers", "python_multipart", "supabase_auth"],
}
FOR_DEVELOPERS = ["pygments", "rich", "watchfiles", "websockets", "yaml"]
LOADED = """
import anyio._backends._asyncio, httpcore, json, os, sys, uvicorn.main
import {package}.app
bytecode = {{getattr(module, "__cached__", None) or "" for module in sys.modules.values()}}
print(json.dumps({{
    "names": sorted({{name.split(".")[0] for name in sys.modules}}),
    "compiled now": [file for file in bytecode if "site-packages" in file and not os.path.exists(file)],
}}))
"""


def load(service: str) -> dict[str, list[str]]:
    """What the service has loaded when it serves; nothing is written."""
    code = LOADED.format(package=f"ava_{service.replace('-', '_')}")
    command = [str(definition.services_python(service)), "-B", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_loads_nothing_that_only_others_use(processes: None, service: str) -> None:
    loaded = set(load(service)["names"])
    assert {"fastapi", "httpcore"} <= loaded
    assert loaded.isdisjoint([*FOR_OTHERS[service], *FOR_DEVELOPERS])


@pytest.mark.parametrize("service", SERVICES)
def test_the_first_start_of_a_service_compiles_no_package(processes: None, service: str) -> None:
    assert load(service)["compiled now"] == []
