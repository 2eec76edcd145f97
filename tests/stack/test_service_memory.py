"""A service loads only what it uses: each library that is loaded takes memory in every process.

Decisions 0176 and 0182.
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
FOR_NOBODY = ["pydantic.v1"]
LOADED = """
import anyio._backends._asyncio, httpcore, json, os, sys, uvicorn.main
import {package}.app
from fastapi.openapi import models
from pydantic import BaseModel, create_model

loaded = [name.split(".") for name, module in sys.modules.items() if module]
kinds = [kind for kind in vars(models).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
bytecode = {{getattr(module, "__cached__", None) or "" for module in sys.modules.values()}}
print(json.dumps({{
    "names": sorted({{".".join(name[:depth]) for name in loaded for depth in (1, 2)}}),
    "to be built": [kind.__name__ for kind in kinds if not kind.__pydantic_complete__],
    "built": [kind.__name__ for kind in [create_model("New")] if kind.__pydantic_complete__],
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
    assert loaded.isdisjoint([*FOR_OTHERS[service], *FOR_DEVELOPERS, *FOR_NOBODY])


@pytest.mark.parametrize("service", SERVICES)
def test_what_describes_a_service_is_built_when_it_is_asked_for(processes: None, service: str) -> None:
    """That a description is right all the same says tests/contract/test_openapi.py."""
    loaded = load(service)
    assert {"Components", "OpenAPI", "PathItem"} <= set(loaded["to be built"])
    assert loaded["built"] == ["New"], "models of the services are built with them"


@pytest.mark.parametrize("service", SERVICES)
def test_the_first_start_of_a_service_compiles_no_package(processes: None, service: str) -> None:
    assert load(service)["compiled now"] == []
