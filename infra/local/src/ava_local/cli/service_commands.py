"""./ava gateway and ./ava audit: run a service's own command with that service's variables."""

import os
import subprocess
import sys

import typer

from ava_local.cli.console import stderr
from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.stack.status_file import read_current

PASS_ARGUMENTS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def audit(context: typer.Context) -> None:
    """Show the security audit log: log-ins, refusals, changes (see --help)."""
    run_service_command("auth", ["-m", "ava_auth", "audit", *context.args])


def gateway(context: typer.Context) -> None:
    """Inspect and resolve stuck WhatsApp messages: list, show, replay, resolve … (see --help)."""
    run_service_command("whatsapp-gateway", ["-m", "ava_whatsapp_gateway", *context.args])


def run_service_command(service: str, arguments: list[str]) -> None:
    """As on a VPS: the service's own command with the service's own variables."""
    layout = StackLayout.from_environment()
    layout.create_folders()
    variables = Environment(
        layout, load_or_create(layout.state_dir / "secrets.json"), user_variables()
    ).service(service)
    done = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **variables}, cwd=layout.state_dir, check=False
    )
    if done.returncode and read_current(layout) is None:
        stderr.print("Ava is not running. Start it with: ./ava up")
    raise typer.Exit(done.returncode)
