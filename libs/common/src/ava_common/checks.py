"""The check before a start: each variable, the database and what a service asks, ok or refused in words.

Usable by hand and as systemd's ExecStartPre. Decision 0120.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeAlias, TypeVar

import httpx
from pydantic_settings import BaseSettings

from ava_common import settings as environment
from ava_common.authentication import NotSignedIn
from ava_common.database import MayBypassRls, Pool, open_pool
from ava_common.database_readiness import DatabaseReadiness
from ava_common.http_client import open_client, own_problem
from ava_common.operator_command import program_name

S = TypeVar("S", bound=BaseSettings)
CLOCK_TOLERANCE_SECONDS = 30
TIMEOUT_SECONDS = 4.0
_CONNECTIONS = "select current_setting('max_connections')::int, current_user::text"


@dataclass(frozen=True)
class Check:
    """What was checked, and what came of it: a note is for a person to judge, and refuses nothing."""

    name: str
    result: Literal["ok", "note", "refused"]
    detail: str = ""


def ok(name: str, detail: str = "") -> Check:
    return Check(name, "ok", detail)


def note(name: str, detail: str) -> Check:
    return Check(name, "note", detail)


def refused(name: str, detail: str) -> Check:
    return Check(name, "refused", detail)


Checks: TypeAlias = Callable[[S], Awaitable[list[Check]]]


def main(settings: type[S], outside: Checks[S], arguments: Sequence[str]) -> int:
    """Check everything and print it; 0 if nothing is refused, 1 otherwise."""
    package = settings.__module__.partition(".")[0]
    program = f"{program_name(f'python -m {package}')} check"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    args = parser.parse_args(arguments)
    found = asyncio.run(run(settings, outside))
    if args.json:
        sys.stdout.write(json.dumps([asdict(check) for check in found], indent=1) + "\n")
    else:
        sys.stdout.writelines(f"{line(check)}\n" for check in found)
    return int(any(check.result == "refused" for check in found))


def line(check: Check) -> str:
    mark = {"ok": "✓", "note": "~", "refused": "✗"}[check.result]
    return f"{mark} {check.name}{': ' if check.detail else ''}{check.detail}"


async def run(settings: type[S], outside: Checks[S]) -> list[Check]:
    """The variables and, if they can be used, all that they lead to."""
    found = variable_checks(settings)
    if any(check.result == "refused" for check in found):
        return [*found, note("the rest", "is checked once the variables are right")]
    return found + await outside(settings())


def variable_checks(settings: type[BaseSettings]) -> list[Check]:
    """Every variable by name, and those that look like one and have no effect."""
    wrong = environment.problems(settings)
    names = environment.variables(settings)
    found = [refused(name, wrong[name]) if name in wrong else ok(name) for name in names]
    found += [refused(name, words) for name, words in wrong.items() if name not in names]
    return found + [
        note(words.split()[0], words.partition(" ")[2]) for words in environment.unknown_to(settings)
    ]


async def database_checks(
    url: str, variable: str, pool_size: int, may_become: tuple[str, ...] = ()
) -> list[Check]:
    """The role, the migrations, whether it can be written, the pooler's mode, and the connections."""
    try:
        async with open_pool(url, name="check", size=2, may_become=may_become) as pool:
            if found := await DatabaseReadiness(pool, url, variable).findings():
                return [refused("database", one.detail) for one in found]
            return await _described(pool, pool_size)
    except MayBypassRls as error:
        return [refused("database", str(error))]


async def _described(pool: Pool, pool_size: int) -> list[Check]:
    most, role = await pool.fetchrow(_CONNECTIONS) or (0, "")
    return [
        ok("database", f"as {role}: migrated, writable, not through a transaction pooler"),
        ok("connections", f"at most {pool_size} of {most}, and as many again while a new version starts"),
    ]


async def service_checks(*services: tuple[str, str]) -> list[Check]:
    """Whether each service (variable and URL) responds; one that is not started yet is only a note."""
    return [await _service_check(variable, url) for variable, url in services]


async def _service_check(variable: str, url: str) -> Check:
    if url.endswith(".example.org"):
        return refused(variable, "still holds the address of .env.example")
    try:
        async with client(url) as http:
            answer = await http.get("/healthz")
    except httpx.HTTPError:
        return note(variable, f"{url} does not respond: start it, or check the address")
    if answer.is_success:
        return ok(variable, f"{url} responds")
    return note(variable, f"{url} answers {answer.status_code} to /healthz: check the address")


async def session_checks(variable: str, url: str, path: str) -> list[Check]:
    """Whether a service responds, and says whether a session still lives (decision 0111)."""
    found = await _service_check(variable, url)
    if found.result != "ok":
        return [found]
    try:
        async with client(url) as http:
            return [found, session_check(await http.get(path), variable)]
    except httpx.HTTPError:
        return [note(variable, f"{url} does not respond: start it, or check the address")]


def session_check(answer: httpx.Response, variable: str) -> Check:
    """What is said about sessions to one who is not signed in."""
    if own_problem(answer) == NotSignedIn.type():
        return ok("sessions", f"{variable} says whether one still lives")
    return refused(
        "sessions",
        f"the service of {variable} answers {answer.status_code} when asked whether one still lives, so "
        "nobody can link, export or delete: update that service first, or check the address",
    )


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(url, timeout_seconds=TIMEOUT_SECONDS) as http:
        yield http


def clock_check(answer: httpx.Response, now: datetime | None = None) -> Check:
    """This machine's clock against the date of an answer: tokens are refused by a clock that is off."""
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return note("clock", "could not be compared: the answer has no date")
    off = abs(((now or datetime.now(UTC)) - theirs.astimezone(UTC)).total_seconds())
    if off > CLOCK_TOLERANCE_SECONDS:
        return refused(
            "clock", f"is {off:.0f} s off from {answer.url.host}'s: switch time synchronisation on"
        )
    return ok("clock", f"agrees with {answer.url.host}'s")
