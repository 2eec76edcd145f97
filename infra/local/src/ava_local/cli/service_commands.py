"""./ava gateway, trace and audit: run a service's own command with that service's variables."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import typer

from ava_local.stack.control import StackNotRunning
from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.stack.status_file import read_current

PASS_ARGUMENTS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
_HELP = {"-h", "--help"}


def audit(context: typer.Context) -> None:
    """Show the security audit log: log-ins, refusals, changes (see --help)."""
    raise typer.Exit(run_service_command("auth", "./ava", ["audit", *context.args]).returncode)


def gateway(context: typer.Context) -> None:
    """Inspect and resolve stuck WhatsApp messages: list, show, replay, resolve … (see --help)."""
    raise typer.Exit(run_service_command("whatsapp-gateway", "./ava gateway", context.args).returncode)


def trace(context: typer.Context) -> None:
    """Show what happened to one message, from the databases and the logs (see --help)."""
    wanted = ["trace", *context.args]
    if _HELP.isdisjoint(context.args):
        found = run_service_command("whatsapp-gateway", "./ava", [*wanted, "--json"], read=True)
        if found.returncode:
            sys.stderr.write(found.stderr)
            raise typer.Exit(found.returncode)
        with tempfile.NamedTemporaryFile("w", prefix="ava-trace-", suffix=".jsonl") as rows:
            rows.write(_log_rows(json.loads(found.stdout), words="--words" in context.args))
            rows.flush()
            logs = [str(log) for log in sorted(StackLayout.from_environment().logs_dir.glob("*.log"))]
            ended = run_service_command("whatsapp-gateway", "./ava", [*wanted, "--logs", rows.name, *logs])
    else:
        ended = run_service_command("whatsapp-gateway", "./ava", wanted)
    raise typer.Exit(ended.returncode)


def _log_rows(found: dict[str, Any], *, words: bool) -> str:
    """What the message log has of it, as messaging's own command says it."""
    if not found["user_id"] or not found["message_ids"]:
        return ""
    asked = ["stored", "--user", found["user_id"], *(["--words"] if words else []), *found["message_ids"]]
    return run_service_command("messaging", "./ava", asked, read=True).stdout


def run_service_command(
    service: str, program: str, arguments: Sequence[str], *, read: bool = False
) -> "subprocess.CompletedProcess[str]":
    """As on a VPS: the service's own command with the service's own variables. Raises StackNotRunning."""
    layout = StackLayout.from_environment()
    layout.create_folders()
    environment = Environment(layout, load_or_create(layout.state_dir / "secrets.json"), user_variables())
    has_database = environment.external_admin_url or read_current(layout)
    if not has_database and _HELP.isdisjoint(arguments):
        raise StackNotRunning("Ava is not running. Start it with: ./ava up")
    package = "ava_" + service.replace("-", "_")
    return subprocess.run(
        [sys.executable, "-m", package, *arguments],
        env={**os.environ, **environment.service(service), "AVA_PROGRAM": program},
        cwd=layout.state_dir,
        check=False,
        text=True,
        capture_output=read,
    )
