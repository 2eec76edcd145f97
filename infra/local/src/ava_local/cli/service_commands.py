"""Commands that a room brings with it, run with the variables the house gave that room."""

import os
import subprocess
import sys

import typer

from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

PASS_ARGUMENTS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def audit(context: typer.Context) -> None:
    """Read the trail of security events: log-ins, refusals, changes (--help tells more)."""
    run_service_command("auth", ["-m", "ava_auth", "audit", *context.args])


def gateway(context: typer.Context) -> None:
    """See and settle what the gateway holds: list, show, replay, resolve … (--help tells more)."""
    run_service_command("whatsapp-gateway", ["-m", "ava_whatsapp_gateway", *context.args])


def run_service_command(service: str, arguments: list[str]) -> None:
    """As on a VPS: the room's own command in the room's own environment."""
    layout = StackLayout.from_environment()
    layout.create_folders()
    variables = Environment(
        layout, load_or_create(layout.state_dir / "secrets.json"), user_variables()
    ).service(service)
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **variables}, cwd=layout.state_dir, check=False
    )
    raise typer.Exit(done.returncode)
