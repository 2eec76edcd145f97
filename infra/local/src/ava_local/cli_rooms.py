"""Commands that a room brings with it, run with the variables the house gave that room."""

import os
import subprocess
import sys

import typer

from ava_local.environment import Environment, given
from ava_local.places import Places
from ava_local.secrets import keep

PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def audit(context: typer.Context) -> None:
    """Read the trail of security events: log-ins, refusals, changes (--help tells more)."""
    hand_over("auth", ["-m", "ava_auth", "audit", *context.args])


def gateway(context: typer.Context) -> None:
    """See and settle what the gateway holds: list, show, replay, resolve … (--help tells more)."""
    hand_over("whatsapp-gateway", ["-m", "ava_whatsapp_gateway", *context.args])


def hand_over(room: str, arguments: list[str]) -> None:
    """As on a VPS: the room's own command in the room's own environment."""
    places = Places.chosen()
    places.make()
    told = Environment(places, keep(places.state / "secrets.json"), given()).room(room)
    ended = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **told}, cwd=places.state, check=False
    )
    raise typer.Exit(ended.returncode)
