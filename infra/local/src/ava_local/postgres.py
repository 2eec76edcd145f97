"""A PostgreSQL cluster of our own: created, run in the foreground by someone unprivileged, and stopped."""

from __future__ import annotations

import ctypes
import os
import random
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from ava_local.lodging import ASIDE, RunAs, elsewhere, home, run_as, usable_binaries
from ava_local.places import claim, is_free

SUPERUSER = "supabase_admin"
STOP_SIGNAL = signal.SIGINT
"""PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave."""

_ALWAYS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
_THROW_AWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # In the data folder, so that nothing outlives a kill.
    "dynamic_shared_memory_type": "mmap",
}
_PR_SET_PDEATHSIG = 1


class OtherVersion(RuntimeError):
    """The data was written by another major version of PostgreSQL."""

    def __init__(self, folder: Path, written: str, version: int) -> None:
        super().__init__(
            f"{folder} was written by PostgreSQL {written} and version {version} cannot read it. "
            "Start over with ./ava reset, or move its data with pg_dump."
        )


class DidNotStart(RuntimeError):
    """PostgreSQL ended before it was ready; the message carries the end of its log."""


@dataclass
class Cluster:
    """One data folder and the server for it, on 127.0.0.1 with scram passwords only.

    `folder` keeps the superuser's password (file "superuser") and, where the server's user can enter it, the
    data; otherwise the data is in a folder of its own under `aside`.
    """

    folder: Path
    port: int
    version: int = 18
    durable: bool = True
    aside: Path = ASIDE
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @cached_property
    def data(self) -> Path:
        """Raises NoPlaceForPostgres."""
        return home(self.folder, self.aside) / "data"

    @property
    def password(self) -> str:
        """The superuser's; made at the first need and kept where only we can read it."""
        kept = self.folder / "superuser"
        if not kept.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(kept, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(24))
        return kept.read_text(encoding="ascii").strip()

    def url(self, user: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        """Without a password this is the superuser's address."""
        secret = quote(password or self.password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the data folder if there is none. Raises OtherVersion, NoPostgres, NoPlaceForPostgres."""
        mark = self.data / "PG_VERSION"
        if not mark.exists():
            self._initdb()
        elif (written := mark.read_text(encoding="ascii").strip()) != str(self.version):
            raise OtherVersion(self.data, written, self.version)

    def _initdb(self) -> None:
        """Into a folder beside the place, moved there when whole: a kill leaves nothing half-made."""
        arriving = self.data.with_name("data.arriving")
        secret = self.data.with_name("superuser.arriving")
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir(mode=0o700)
        try:
            secret.touch(mode=0o600)
            secret.write_text(self.password, encoding="ascii")
            if "user" in (owner := run_as()):
                os.chown(arriving, owner["user"], owner["group"])
                os.chown(secret, owner["user"], owner["group"])
            locale = ["--locale=C.UTF-8"]
            if self.version >= 17:
                locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            command = [
                str(self._program("initdb")), "-D", str(arriving), "-U", SUPERUSER, f"--pwfile={secret}",
                "--auth=scram-sha-256", "--encoding=UTF8", *locale,
            ]  # fmt: skip
            if not self.durable:
                command.append("--no-sync")
            made = subprocess.run(command, check=False, capture_output=True, **run_as())
        finally:
            secret.unlink(missing_ok=True)
        if made.returncode != 0:
            raise DidNotStart(made.stderr.decode(errors="replace")[-2000:])
        arriving.rename(self.data)

    def _program(self, name: str) -> Path:
        return usable_binaries(self.version, self.folder, self.aside) / name

    def command(self) -> list[str]:
        """What to run in the foreground, with `popen_options`; end it with STOP_SIGNAL."""
        settings = _ALWAYS | ({} if self.durable else _THROW_AWAY)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._program("postgres")), "-D", str(self.data), "-p", str(self.port), *options]

    def popen_options(self) -> RunAs:
        """As whom and where `command` must run."""
        return run_as()

    def ready(self) -> bool:
        """The server says so itself in the eighth line of its pid file; a dead one's word does not count."""
        if self._process is not None and self._process.poll() is not None:
            return False
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            os.kill(int(lines[0]), 0)
        except (OSError, ValueError, IndexError):
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def start(self, patience: float = 30.0) -> None:
        """Run it as a child that dies with us, even by SIGKILL; ready at return. Raises DidNotStart."""
        self.create()
        log = self.folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                self.command(), stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                preexec_fn=dies_with_parent(STOP_SIGNAL), **self.popen_options(),
            )  # fmt: skip
        until = time.monotonic() + patience
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise DidNotStart(log.read_text(encoding="utf-8", errors="replace")[-2000:])
            time.sleep(0.01)

    def stop(self) -> None:
        """Fast shutdown; open transactions are rolled back."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(STOP_SIGNAL)
            self._process.wait(30)
        self._process = None

    def destroy(self) -> None:
        """Stop it and remove everything it had, also what had to live elsewhere."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(elsewhere(self.folder, self.aside), ignore_errors=True)


def dies_with_parent(how: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends this signal to the child when the thread that started it is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def free_port() -> int:
    """A port nobody listens on, and none that the system gives to outgoing connections by itself."""
    for port in random.sample(range(30_000, 32_768), 2768):
        if claim(port) and is_free(port):
            return port
    raise OSError("no free port between 30000 and 32768")
