"""The command `./ava`: one typed command per thing a person does with the house."""

import errno
import sys
from typing import NoReturn

import typer

from ava_local import cli_bench, cli_checks, cli_house, cli_journey, cli_rooms
from ava_local.arrival import PortTaken
from ava_local.environment import Missing
from ava_local.handle import HouseDown
from ava_local.lodging import NoPlaceForPostgres, NoPostgres
from ava_local.paper import errors
from ava_local.places import BadPlace
from ava_local.postgres import DidNotStart, OtherVersion
from ava_local.supervisor import StartFailed
from ava_local.trouble import Disturbed, NotANumber

EXPECTED = (
    BadPlace,
    Disturbed,
    DidNotStart,
    HouseDown,
    Missing,
    NoPlaceForPostgres,
    NoPostgres,
    NotANumber,
    OtherVersion,
    PortTaken,
)

app = typer.Typer(
    name="./ava",
    help="Ava's whole house on this machine. Begin with: ./ava up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(cli_house.up)
app.command()(cli_house.down)
app.command()(cli_house.status)
app.command()(cli_house.logs)
app.command()(cli_house.reset)
app.command()(cli_journey.demo)
app.command(context_settings={"ignore_unknown_options": True})(cli_journey.phone)
app.command(context_settings=cli_rooms.PASSED_ON)(cli_bench.chaos)
app.command(context_settings=cli_rooms.PASSED_ON)(cli_bench.bench)
app.command(context_settings=cli_rooms.PASSED_ON)(cli_rooms.gateway)
app.command(context_settings=cli_rooms.PASSED_ON)(cli_rooms.audit)
app.command()(cli_checks.check)
app.command("test", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(
    cli_checks.run_tests
)
app.command()(cli_checks.lock)


def main() -> None:
    """Run one command; what can go wrong is said in words, without a traceback."""
    try:
        app(prog_name="./ava")
    except StartFailed as failure:
        complain(str(failure), *failure.lines, "Logs: ./ava logs " + failure.name)
    except EXPECTED as trouble:
        complain(str(trouble))
    except OSError as trouble:
        complain(words_for(trouble))
    except KeyboardInterrupt:
        sys.exit(130)


def words_for(trouble: OSError) -> str:
    where = f" ({trouble.filename})" if trouble.filename else ""
    if trouble.errno == errno.ENOSPC:
        return f"the disk is full{where}. Free some space and run the same command again."
    if trouble.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return (
            f"no right to read or write{where}. Make the folder yours, or set AVA_STATE_DIR to one that is."
        )
    raise trouble


def complain(first: str, *more: str) -> NoReturn:
    errors.print(f"ava: {first}", style="bold red", markup=False)
    for line in more:
        errors.print(f"  {line}", markup=False, highlight=False)
    sys.exit(1)
