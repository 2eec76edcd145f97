"""What others already rely on keeps its name: problem types, routes, schemas, variables, metrics.

A renamed class or function must not rename any of it by accident. What changes on purpose is written down
with `AVA_REFRESH_CONTRACTS=1 pytest tests/contract/test_pinned.py`, and the difference is reviewed.
"""

import importlib
import json
import os
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ava_common.problems import Problem
from ava_local.stack.environment import SERVICES

ROOT = Path(__file__).parents[2]
PINNED = Path(__file__).parent / "pinned"
PACKAGES = ["ava_common", *(f"ava_{service.replace('-', '_')}" for service in SERVICES)]
EXAMPLES = [
    "infra/.env.example",
    "infra/caddy/.env.example",
    *(f"services/{service}/.env.example" for service in SERVICES),
]


def modules(package: str) -> Iterator[ModuleType]:
    found = importlib.import_module(package)
    yield found
    for module in pkgutil.walk_packages(found.__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            yield importlib.import_module(module.name)


def problem_types() -> dict[str, Any]:
    """Every problem's type and status, by the package that raises it; those of the edge by its own words."""
    types: dict[str, Any] = {}
    for package in PACKAGES:
        raised = {
            value.type(): value.status
            for module in modules(package)
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Problem) and value is not Problem
            if value.__module__.startswith(package)
        }
        types[package] = dict(sorted(raised.items()))
    caddyfile = (ROOT / "infra/caddy/Caddyfile").read_text()
    edge = re.findall(r'^\s+(\d{3}|default) ([a-z-]+) "', caddyfile, re.MULTILINE)
    types["caddy"] = {status: f"urn:ava:problem:{kind}" for status, kind in edge}
    return types


def routes() -> dict[str, Any]:
    """Every operation with its id and statuses, every schema with its fields, by service."""
    told: dict[str, Any] = {}
    for service in SERVICES:
        described = json.loads((ROOT / "services" / service / "openapi.json").read_text())
        operations = {
            f"{method.upper()} {path}": _operation(operation)
            for path, item in described["paths"].items()
            for method, operation in item.items()
        }
        schemas = {
            name: " ".join(sorted(schema.get("properties", schema.get("enum", []))))
            for name, schema in described["components"]["schemas"].items()
        }
        told[service] = {"operations": operations, "schemas": schemas}
    return told


def _operation(described: dict[str, Any]) -> str:
    parameters = [f"{parameter['in']}:{parameter['name']}" for parameter in described.get("parameters", [])]
    return " ".join([described["operationId"], *sorted(described["responses"]), *sorted(parameters)])


def variables() -> dict[str, Any]:
    """Every variable that an example names, switched on or off."""
    name = re.compile(r"^(?:# ?)?([A-Z][A-Z0-9_]*)=", re.MULTILINE)
    return {example: sorted(name.findall((ROOT / example).read_text())) for example in EXAMPLES}


def metrics() -> dict[str, Any]:
    """Every metric with its kind and labels."""
    for package in PACKAGES:
        list(modules(package))
    registered: list[Any] = [metric for metric in REGISTRY._collector_to_names if hasattr(metric, "_name")]
    return {metric._name: " ".join([metric._type, *metric._labelnames]) for metric in registered}


@pytest.mark.parametrize("told", [problem_types, routes, variables, metrics])
def test_a_name_that_others_rely_on_stays(told: Callable[[], object]) -> None:
    pinned = PINNED / f"{told.__name__}.json"
    now = json.loads(json.dumps(told()))
    if os.environ.get("AVA_REFRESH_CONTRACTS"):
        pinned.write_text(json.dumps(now, indent=2, sort_keys=True) + "\n")
    assert now == json.loads(pinned.read_text())
