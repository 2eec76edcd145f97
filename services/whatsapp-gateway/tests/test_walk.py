"""The walk of one echo: through how many functions and modules a reader has to follow a message.

Decision 0101.
"""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import ava_whatsapp_gateway
from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .conftest import LinkNumber, MakeSettings, RunService
from .fake_peers import FakePeers
from .waiting import until_idle

PHONE = "4915112345678"
OURS = ("ava_whatsapp_gateway.", "ava_common.")
# Whenever it is time or a connection is made, not for a message.
BESIDE_IT = (
    *("maintenance", "pin_sweep", "unknown_sends", "operator_alerts", "retention", "backlog"),
    *("database_login", "database_types", "number_readiness"),
)
# What stands in httpcore's place: a reader of a call to a peer stops at httpx, as before.
BELOW_HTTPX = ("transport",)
BY_THE_CLOCK = ("Worker._maintain", "Worker._probe", "ConnectionPool._look", "ConnectionPool._let_go")

FUNCTIONS_MAX, MODULES_MAX = 121, 37
"""What it takes today, log lines and access log included. It may become less, and more only for a decision:
with 155 a request has a fast path, with 159 and 161 the statements of many lanes gather, with 163 a
connection stays at hand, with 54 messaging's word about an avatar is remembered, with 164 lines of requests
gather, with 172 a call takes a short way through httpx, with 179 fast paths get and give whole requests."""


@contextmanager
def walked() -> Iterator[set[tuple[str, str]]]:
    """Module and name of each function of the gateway and of libs/common that is entered meanwhile.

    Not lambdas, comprehensions and what dataclasses generate.
    """
    entered: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        module, name = str(frame.f_globals.get("__name__")), frame.f_code.co_qualname
        written = not name.endswith(">") and "__create_fn__" not in name
        if event == "call" and module.startswith(OURS) and written and name not in BY_THE_CLOCK:
            entered.add((module, name))

    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(None)


async def test_the_walk_of_one_echo_does_not_get_longer(
    run_service: RunService,
    settings: MakeSettings,
    peers: FakePeers,
    linked: LinkNumber,
    database: Database,
) -> None:
    await linked(f"+{PHONE}")
    body = meta.envelope(meta.text(body="hello"))
    async with run_service(settings(poll_seconds=60.0)) as client:
        await client.get("/readyz")  # Meta has been asked about the number
        with walked() as entered:
            await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
            await eventually(lambda: len(peers.log) == 2)
            await until_idle(database)
    left_out = (*BESIDE_IT, *BELOW_HTTPX)
    functions = {(module, name) for module, name in entered if module.rsplit(".", 1)[1] not in left_out}
    modules = {module for module, _ in functions}
    assert {module.split(".")[1] for module in modules} >= {"webhook", "queue", "handling", "outbox", "peers"}
    assert len(functions) <= FUNCTIONS_MAX, sorted(functions)
    assert len(modules) <= MODULES_MAX, sorted(modules)


@pytest.mark.parametrize(
    "module", sorted(Path(ava_whatsapp_gateway.__file__).parent.rglob("*.py")), ids=lambda path: path.stem
)
def test_no_function_calls_another_of_its_module_with_nearly_its_own_name(module: Path) -> None:
    """As `handle` and `_handle`, or `run_events` and `_run_event`: one would not know which does what."""
    functions = [
        node
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    names = {function.name for function in functions}
    found = [
        (function.name, called)
        for function in functions
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and (called := _own(call.func)) in names - {function.name}
        if _stem(called) == _stem(function.name)
    ]
    assert found == []


def _own(called: ast.expr) -> str:
    """The name of a function of the same module or object."""
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self":
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _stem(name: str) -> str:
    return name.strip("_").removesuffix("s")
