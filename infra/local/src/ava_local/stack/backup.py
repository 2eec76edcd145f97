"""Saves one stack's data and secrets into one file, and restores them; the stack runs for neither.

Decision 0134. See docs/contracts/postgres.md#backups-of-a-hosted-database.
"""

import asyncio
import contextlib
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.postgres.database_setup import set_up_database
from ava_local.postgres.server_binaries import installed_binaries
from ava_local.repository import ROOT
from ava_local.stack import instance_lock, preflight, status_file
from ava_local.stack.environment import Environment, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create, write_private_file

SCRIPT = ROOT / "infra" / "backup" / "backup.sh"
SECRETS = "secrets.json"
SIGNING_KEYS = "supabase-auth/jwt_keys.json"


class BackupFailed(ExpectedError):
    """The backup could not be made or restored; the message says why, and nothing was changed."""


def save(layout: StackLayout, file: Path) -> None:
    """Save what is in the database, the secrets and the stand-in's signing keys, running or not.

    Raises BackupFailed.
    """
    if not (layout.state_dir / SECRETS).exists():
        raise BackupFailed(f"there is nothing to save in {layout.state_dir}.")
    environment = _environment(layout)
    files = [name for name in (SECRETS, SIGNING_KEYS) if (layout.state_dir / name).exists()]
    running = contextlib.nullcontext() if status_file.read_current(layout) else _database_only(environment)
    with running:
        _run(environment, "save", str(file.absolute()), *files)


def restore(layout: StackLayout, file: Path, *, resume: bool = False) -> None:
    """Put back what `save` saved in place of what is there; all of it or nothing.

    With `resume` what waited for an answer is answered at the next start; else it is set aside for an
    operator. Raises BackupFailed, AlreadyRunning.
    """
    files = private_files(file)
    layout.create_folders()
    environment = _environment(layout)
    with _database_only(environment):
        passwords = environment.passwords()
        asyncio.run(
            set_up_database(environment.admin_database_url(), environment.migration_database_url(), passwords)
        )
        _run(environment, "restore", "--overwrite", *(["--resume"] if resume else []), str(file.absolute()))
        for name, text in files.items():
            write_private_file(layout.state_dir / name, text)


def _environment(layout: StackLayout) -> Environment:
    environment = Environment(layout, load_or_create(layout.state_dir / SECRETS), user_variables())
    if environment.external_admin_url:
        raise BackupFailed(f"this database is not the stack's own. Save and restore it with {SCRIPT}.")
    return environment


@contextlib.contextmanager
def _database_only(environment: Environment) -> Iterator[None]:
    """The stack's PostgreSQL without the rest of it."""
    descriptor = instance_lock.acquire(environment.layout)
    cluster = environment.cluster()
    try:
        preflight.kill_leftover_processes(environment.layout)
        preflight.require_free_ports({"postgres": cluster.port})
        preflight.remove_stale_postmaster_pid(cluster)
        cluster.start()
        yield
    finally:
        cluster.stop()
        os.close(descriptor)


def private_files(file: Path) -> dict[str, str]:
    """The text of each secret file that `save` saved. Raises BackupFailed for any other file."""
    try:
        with tarfile.open(file) as archive:
            names = [name for name in (SECRETS, SIGNING_KEYS) if name in archive.getnames()]
            opened = {name: archive.extractfile(name) for name in names}
            found = {name: member.read().decode() for name, member in opened.items() if member}
    except (OSError, EOFError, UnicodeDecodeError, tarfile.TarError) as error:
        raise BackupFailed(f"cannot read {file}: {error}") from error
    if SECRETS not in found:
        raise BackupFailed(f"{file} was not made by ./ava backup.")
    return found


def _run(environment: Environment, *arguments: str) -> None:
    """The script that an owner runs, with the programs of the stack's PostgreSQL."""
    programs = installed_binaries(environment.cluster().version)
    with tempfile.TemporaryDirectory() as work:
        variables: dict[str, str] = {
            **os.environ,
            "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
            "ADMIN_DATABASE_URL": environment.admin_database_url(),
            "TMPDIR": work,
        }
        done = subprocess.run(
            [str(SCRIPT), *arguments],
            cwd=environment.layout.state_dir,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise BackupFailed(_last_words(done.stderr.splitlines()))


def _last_words(lines: Sequence[str]) -> str:
    return "\n".join(lines[-5:]).removeprefix("backup: ") or "it failed without a word."
