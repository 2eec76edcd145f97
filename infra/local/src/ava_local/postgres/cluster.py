"""One PostgreSQL data folder and its server: create, run as an unprivileged user, stop, delete.

Decision 0010.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from ava_local.expected_error import ExpectedError
from ava_local.parent_death_signal import signal_on_parent_death
from ava_local.postgres.data_location import FALLBACK_ROOT, fallback_folder, reachable_folder
from ava_local.postgres.server_binaries import usable_binaries
from ava_local.postgres.unprivileged_user import RunAs, run_as

SUPERUSER = "supabase_admin"
FAST_SHUTDOWN_SIGNAL = signal.SIGINT
"""PostgreSQL's fast shutdown; SIGTERM would wait for every client to disconnect."""

_SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
_NON_DURABLE_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # In the data folder, so that nothing outlives a kill.
    "dynamic_shared_memory_type": "mmap",
}


class IncompatibleDataVersion(ExpectedError):
    """The data was created by another major version of PostgreSQL."""

    def __init__(self, folder: Path, written: str, version: int) -> None:
        super().__init__(
            f"{folder} was created by PostgreSQL {written}; version {version} cannot read it. "
            "Delete it with ./ava reset, or migrate the data with pg_dump."
        )


class PostgresStartFailed(ExpectedError):
    """PostgreSQL exited before it was ready; the message is the end of its log."""


@dataclass
class Cluster:
    """A data folder and the server for it, on 127.0.0.1 with scram passwords only.

    `folder` holds the superuser's password (file "superuser") and, if the server's user can enter it, the
    data; otherwise the data is in a folder of its own under `fallback_root`.
    """

    folder: Path
    port: int
    version: int = 18
    durable: bool = True
    fallback_root: Path = FALLBACK_ROOT
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @cached_property
    def data(self) -> Path:
        """Raises NoReachableFolder."""
        return reachable_folder(self.folder, self.fallback_root) / "data"

    @property
    def password(self) -> str:
        """The superuser's password, generated on first use and readable by its owner only."""
        file = self.folder / "superuser"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as opened:
                opened.write(secrets.token_urlsafe(24))
        return file.read_text(encoding="ascii").strip()

    def url(self, user: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        """A login URL; by default the superuser's."""
        secret = quote(password or self.password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Create the data folder if there is none.

        Raises IncompatibleDataVersion, PostgresNotInstalled, NoReachableFolder.
        """
        version_file = self.data / "PG_VERSION"
        if not version_file.exists():
            self._initdb()
        elif (written := version_file.read_text(encoding="ascii").strip()) != str(self.version):
            raise IncompatibleDataVersion(self.data, written, self.version)

    def _initdb(self) -> None:
        """Create it under another name and rename it when complete: a kill leaves nothing half done."""
        staging = self.data.with_name("data.arriving")
        pwfile = self.data.with_name("superuser.arriving")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        try:
            pwfile.touch(mode=0o600)
            pwfile.write_text(self.password, encoding="ascii")
            if "user" in (owner := run_as()):
                os.chown(staging, owner["user"], owner["group"])
                os.chown(pwfile, owner["user"], owner["group"])
            locale = ["--locale=C.UTF-8"]
            if self.version >= 17:
                locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            command = [
                str(self._program("initdb")), "-D", str(staging), "-U", SUPERUSER, f"--pwfile={pwfile}",
                "--auth=scram-sha-256", "--encoding=UTF8", *locale,
            ]  # fmt: skip
            if not self.durable:
                command.append("--no-sync")
            result = subprocess.run(command, check=False, capture_output=True, **run_as())
        finally:
            pwfile.unlink(missing_ok=True)
        if result.returncode != 0:
            raise PostgresStartFailed(result.stderr.decode(errors="replace")[-2000:])
        staging.rename(self.data)

    def _program(self, name: str) -> Path:
        return usable_binaries(self.version, self.folder, self.fallback_root) / name

    def command(self, more: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """The command to run in the foreground, with `popen_options`; stop it with FAST_SHUTDOWN_SIGNAL.

        `more` are settings of this server.
        """
        settings = _SETTINGS | ({} if self.durable else _NON_DURABLE_SETTINGS) | dict(more)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._program("postgres")), "-D", str(self.data), "-p", str(self.port), *options]

    def popen_options(self) -> RunAs:
        """The user and folder `command` must run as and in."""
        return run_as()

    def is_ready(self) -> bool:
        """Whether the eighth line of the pid file says ready, and that process is alive."""
        if self._process is not None and self._process.poll() is not None:
            return False
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            os.kill(int(lines[0]), 0)
        except (OSError, ValueError, IndexError):
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def start(self, timeout: float = 120.0) -> None:
        """Run it as a child that dies with this process, even by SIGKILL; ready on return.

        Raises PostgresStartFailed.
        """
        self.create()
        log = self.folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                self.command(), stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                preexec_fn=signal_on_parent_death(FAST_SHUTDOWN_SIGNAL), **self.popen_options(),
            )  # fmt: skip
        until = time.monotonic() + timeout
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise PostgresStartFailed(log.read_text(encoding="utf-8", errors="replace")[-2000:])
            time.sleep(0.01)

    def stop(self) -> None:
        """Fast shutdown; open transactions are rolled back."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(FAST_SHUTDOWN_SIGNAL)
            self._process.wait(60)
        self._process = None

    def destroy(self) -> None:
        """Stop it and delete everything, including the fallback folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(fallback_folder(self.folder, self.fallback_root), ignore_errors=True)
