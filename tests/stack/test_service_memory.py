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
import httpcore, json, sys, uvicorn.main
import {package}.app
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_loads_nothing_that_only_others_use(processes: None, service: str) -> None:
    code = LOADED.format(package=f"ava_{service.replace('-', '_')}")
    command = [str(definition.services_python(service)), "-c", code]
    loaded = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert {"fastapi", "httpcore"} <= set(loaded)
    assert set(loaded).isdisjoint([*FOR_OTHERS[service], *FOR_DEVELOPERS])
