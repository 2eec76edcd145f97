"""Checks the variables of all services by their own settings, before anything starts.

In a process of its own, so that the supervisor never loads the services' libraries. Decision 0119.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ava_common import database_url, unknown_variables
from ava_local.expected_error import ExpectedError
from ava_local.repository import ROOT
from ava_local.stack import env_file
from ava_local.stack.database_urls import ADMIN_VARIABLE

OWN_PREFIXES = ("SUPABASE_", "GRAPH_API_", "AUTH_", "PROFILE_", "MESSAGING_", "WHATSAPP_GATEWAY_", "AVA_")
LOCAL_VARIABLES = ("AVA_PORT", "AVA_STATE_DIR", ADMIN_VARIABLE)
LOCAL_PREFIXES = ("SUPABASE_AUTH_", "WHATSAPP_SIMULATOR_", "AVA_REFRESH_", "AVA_DATABASE_")


class InvalidVariables(ExpectedError):
    """Variables with which a service would refuse to start; the message lists them."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        lines = [f"  {name}{where_set(name)}: {words}" for name, words in sorted(problems.items())]
        super().__init__("\n".join(["nothing was started: fix these environment variables.", *lines]))


def where_set(name: str, file: Path = ROOT / ".env") -> str:
    """The file that a variable comes from, if it is not this terminal's."""
    is_in_file = name not in os.environ and name in env_file.read(file)
    return f" (in {file})" if is_in_file else ""


def admin_url_problem(url: str | None) -> str | None:
    return database_url.problem(url) if url else None


def check(services: Mapping[str, Mapping[str, str]], given: Mapping[str, str]) -> list[str]:
    """Raises InvalidVariables; otherwise a sentence for each given variable that has no effect."""
    done = subprocess.run(
        [sys.executable, "-m", "ava_local.stack.settings_check"],
        input=json.dumps(services),
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    if done.returncode:
        raise ExpectedError(f"the services' settings could not be checked:\n{done.stderr.strip()}")
    told = json.loads(done.stdout)
    if told["problems"]:
        raise InvalidVariables(told["problems"])
    known = {*told["known"], *LOCAL_VARIABLES}
    ours = [name for name in given if not name.startswith(LOCAL_PREFIXES)]
    return contradictions(given) + [
        sentence.replace(" is not", f"{where_set(sentence.split()[0])} is not", 1)
        for sentence in unknown_variables.unknown(ours, known, OWN_PREFIXES)
    ]


def contradictions(given: Mapping[str, str]) -> list[str]:
    """What can be meant, and mostly is not."""
    if "SUPABASE_URL" in given and ADMIN_VARIABLE not in given:
        return [
            f"SUPABASE_URL is set and {ADMIN_VARIABLE} is not: the project's accounts are unknown to the "
            "stack's own database, so nobody can save anything. Set both."
        ]
    return []


def main() -> None:
    """Reads {service: variables} as JSON; writes what is wrong with them, and the names that are known."""
    services: dict[str, dict[str, str]] = json.load(sys.stdin)
    problems: dict[str, str] = {}
    known: set[str] = set()
    settings_module = importlib.import_module("ava_common.settings")
    for service, variables in services.items():
        os.environ.clear()
        os.environ.update(variables)
        settings = importlib.import_module(f"ava_{service.replace('-', '_')}.settings").Settings
        problems |= settings_module.problems(settings)
        known |= {*settings_module.variables(settings)}
    json.dump({"problems": problems, "known": sorted(known)}, sys.stdout)


if __name__ == "__main__":
    main()
