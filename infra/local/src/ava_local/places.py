"""Where the local house lives: the repository, the state folder and the ports."""

import collections
import contextlib
import os
import random
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
OFFSETS = {
    "caddy": 0,
    "whatsapp-simulator": 1,
    "supabase-auth": 2,
    "auth": 3,
    "profile": 4,
    "messaging": 5,
    "whatsapp-gateway": 6,
    "postgres": 7,
}
DEFAULT_PORT = 8080
HIGHEST_PORT = 65535 - max(OFFSETS.values())


class BadPlace(Exception):
    """AVA_PORT is not usable."""


@dataclass(frozen=True)
class Places:
    """One house on this machine; another state folder and another base port make a second one."""

    state: Path
    port: int

    @classmethod
    def chosen(cls) -> "Places":
        """The house that AVA_STATE_DIR and AVA_PORT name, by default `.ava/house` and 8080."""
        state = os.environ.get("AVA_STATE_DIR") or ROOT / ".ava" / "house"
        return cls(Path(state).expanduser().resolve(), port_from(os.environ.get("AVA_PORT")))

    def port_of(self, process: str) -> int:
        return self.port + OFFSETS[process]

    def url_of(self, process: str) -> str:
        return f"http://127.0.0.1:{self.port_of(process)}"

    @property
    def form(self) -> str:
        """The one address a person opens."""
        return f"http://localhost:{self.port}"

    @property
    def env(self) -> Path:
        return self.state / "env"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def status(self) -> Path:
        return self.state / "status.json"

    @property
    def holds(self) -> Path:
        """A file named after a process in here keeps that process stopped."""
        return self.state / "hold"

    def make(self) -> None:
        """Create the folders; env files and secrets are for their owner only."""
        self.state.mkdir(parents=True, exist_ok=True)
        for folder in (self.logs, self.holds):
            folder.mkdir(exist_ok=True)
        self.env.mkdir(mode=0o700, exist_ok=True)

    def clear(self) -> None:
        """Delete what a house makes here, and the folder if nothing else is in it."""
        for name in ("env", "logs", "hold", "caddy", "supabase-auth", "postgres"):
            shutil.rmtree(self.state / name, ignore_errors=True)
        for name in ("secrets.json", "status.json", "supervisor.log", "supervisor.lock"):
            (self.state / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.state.rmdir()


def port_from(text: str | None) -> int:
    """The base port; the house uses it and the seven after it."""
    if not text:
        return DEFAULT_PORT
    if not text.isdecimal() or not 1024 <= int(text) <= HIGHEST_PORT:
        raise BadPlace(f"AVA_PORT is {text!r}; give a number from 1024 to {HIGHEST_PORT}.")
    return int(text)


def free_base() -> int:
    """A base port with every port of a house free above it, for a second house beside the first."""
    for base in random.sample(range(20_000, 30_000, 10), 1000):
        if claim(base) and all(is_free(base + offset) for offset in OFFSETS.values()):
            return base
    raise BadPlace("no eight free ports in a row between 20000 and 30000")


_claims: collections.deque[socket.socket] = collections.deque()
_KEPT_CLAIMS = 100


def claim(port: int) -> bool:
    """Whether this port is ours to promise; nobody else who asks here, on the whole machine, gets it now.

    A claim is an abstract socket of that name: it ends with this process, or after a hundred more.
    """
    claimed = socket.socket(socket.AF_UNIX)
    try:
        claimed.bind(f"\0ava-port-{port}")
    except OSError:
        claimed.close()
        return False
    _claims.append(claimed)
    if len(_claims) > _KEPT_CLAIMS:
        _claims.popleft().close()
    return True


def is_free(port: int) -> bool:
    """Whether this port of this machine can be had now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
