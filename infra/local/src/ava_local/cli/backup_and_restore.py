"""./ava backup and ./ava restore: all of the stack's data in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from ava_local.cli.console import stdout
from ava_local.cli.lifecycle import stack_to_stop
from ava_local.stack.layout import StackLayout

File = Annotated[Path, typer.Argument(help="The backup, one file. It holds secrets: keep it private.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Answer what waited when the backup was made. Only if the gateway has not run since: otherwise "
        "people may be answered twice.",
    ),
]


def backup(file: File) -> None:
    """Save accounts, messages, the queue and all secrets into one file; Ava may be running."""
    # Imported here, so that the supervisor does not load what talks to PostgreSQL.
    from ava_local.stack import backup as backups

    backups.save(StackLayout.from_environment(), file)
    size = f"{file.stat().st_size / 1024:.0f} KiB"
    stdout.print(f"Saved to {file} ({size}). Put it back with: ./ava restore {file}")


def restore(file: File, yes: Yes = False, resume: Resume = False) -> None:
    """Stop Ava and replace all its data by that of a backup."""
    from ava_local.stack import backup as backups

    backups.private_files(file)  # before anything is asked or stopped
    stack = stack_to_stop()
    folder = stack.layout.state_dir
    if (folder / "secrets.json").exists() and not (
        yes or typer.confirm(f"Replace everything in {folder} by {file}?")
    ):
        raise typer.Exit(1)
    if stack.status():
        stack.stop()
    backups.restore(stack.layout, file, resume=resume)
    stdout.print("Restored. Start it with: ./ava up")
    if not resume:
        stdout.print(
            "What waited for an answer is set aside. See it with: ./ava gateway list --state quarantined"
        )
