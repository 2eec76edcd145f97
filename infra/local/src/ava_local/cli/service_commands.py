"""./ava gateway and ./ava audit: run a service's own command with that service's variables."""

import os
import subprocess
import sys

import typer

from ava_local.stack.control import StackNotRunning
from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.stack.status_file import read_current

PASS_ARGUMENTS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


# Named as they are typed here; on a VPS the same command is `python -m`.
CODE = """
import sys
from ava_common.operator_command import run
from {package}.__main__ import main
run(lambda: main(sys.argv[1:], program={program!r}))
"""


def audit(context: typer.Context) -> None:
    """Show the security audit log: log-ins, refusals, changes (see --help)."""
    run_service_command("auth", ["audit", *context.args], "./ava")


def gateway(context: typer.Context) -> None:
    """Inspect and resolve stuck WhatsApp messages: list, show, replay, resolve … (see --help)."""
    run_service_command("whatsapp-gateway", context.args, "./ava gateway")


def run_service_command(service: str, arguments: list[str], program: str) -> None:
    """As on a VPS: the service's own command with the service's own variables."""
    asks_for_help = not {"-h", "--help"}.isdisjoint(arguments) or arguments == []
    needs_stack = "AVA_DATABASE_ADMIN_URL" not in user_variables() and not asks_for_help
    if needs_stack and read_current(StackLayout.from_environment()) is None:
        raise StackNotRunning("Ava is not running. Start it with: ./ava up")
    raise typer.Exit(service_command(service, arguments, program).returncode)


def service_command(
    service: str, arguments: list[str], program: str = "./ava", *, capture: bool = False
) -> subprocess.CompletedProcess[str]:
    layout = StackLayout.from_environment()
    layout.create_folders()
    secrets = load_or_create(layout.state_dir / "secrets.json")
    variables = Environment(layout, secrets, user_variables()).service(service)
    code = CODE.format(package="ava_" + service.replace("-", "_"), program=program)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **variables},
        cwd=layout.state_dir,
        capture_output=capture,
        text=True,
        check=False,
    )
