"""The command `./ava`: registers all commands, and prints expected errors without a traceback."""

import errno
import os
import sys
from typing import NoReturn

import typer

from ava_local.cli import (
    backup_and_restore,
    bench_and_chaos,
    client_variables,
    completion,
    demo_and_phone,
    development,
    doctor,
    lifecycle,
    log_viewer,
    service_commands,
)
from ava_local.cli.console import stderr
from ava_local.expected_error import ExpectedError
from ava_local.stack.instance_lock import AlreadyRunning
from ava_local.supervisor.supervisor import StartFailed

app = typer.Typer(
    name="./ava",
    help="Run the whole Ava stack on this machine. Start with: ./ava up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(lifecycle.up)
app.command()(lifecycle.down)
app.command()(lifecycle.status)
app.command()(lifecycle.restart)
app.command()(log_viewer.logs)
app.command()(lifecycle.reset)
app.command()(client_variables.env)
app.command()(doctor.doctor)
app.command()(doctor.secrets)
app.command()(backup_and_restore.backup)
app.command()(backup_and_restore.restore)
app.command()(demo_and_phone.demo)
app.command(context_settings={"ignore_unknown_options": True})(demo_and_phone.phone)
app.command(context_settings=service_commands.PASS_ARGUMENTS_ON)(bench_and_chaos.chaos)
app.command(context_settings=service_commands.PASS_ARGUMENTS_ON)(bench_and_chaos.bench)
app.command(context_settings=service_commands.PASS_ARGUMENTS_ON)(service_commands.gateway)
app.command(context_settings=service_commands.PASS_ARGUMENTS_ON)(service_commands.trace)
app.command(context_settings=service_commands.PASS_ARGUMENTS_ON)(service_commands.audit)
app.command()(development.check)
app.command("test", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(
    development.run_tests
)
app.command()(development.lock)
app.command()(completion.completion)


def main() -> None:
    """Run one command; expected errors are printed without a traceback."""
    try:
        app(prog_name="./ava")
    except StartFailed as failure:
        exit_with_error(str(failure), *failure.lines, "Logs: ./ava logs " + failure.name)
    except AlreadyRunning:
        exit_with_error("another ./ava is working on this folder. Wait for it, or stop it with: ./ava down")
    except ExpectedError as error:
        exit_with_error(str(error))
    except BrokenPipeError:
        # The reader has seen enough, such as `head`; nothing is left to print to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        exit_with_error(message_for(error))
    except KeyboardInterrupt:
        sys.exit(130)


def message_for(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}. Free up some space and run the same command again."
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return (
            f"permission denied{where}. Change the folder's owner, or set AVA_STATE_DIR to a folder you own."
        )
    raise error


def exit_with_error(first: str, *more: str) -> NoReturn:
    stderr.print(f"ava: {first}", style="bold red", markup=False)
    for line in more:
        stderr.print(f"  {line}", markup=False, highlight=False)
    sys.exit(1)
