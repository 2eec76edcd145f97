"""Where one stack's files and ports are: its state folder and its base port."""

import contextlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from ava_local.ports import PORT_OFFSETS, parse_base_port
from ava_local.repository import ROOT
from ava_local.stack import earlier_release

DEFAULT_STATE_DIR = ROOT / ".ava" / "state"
STATUS_FILE = "status.json"


def running_port(status_file: Path) -> int | None:
    """The base port of the stack that wrote this file; None if it does not run any more."""
    try:
        found = json.loads(status_file.read_text())
        return int(found["port"]) if create_time(found["pid"]) == found["born"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def create_time(pid: int | None) -> float | None:
    """When this process started; None if it is gone or a zombie."""
    try:
        process = psutil.Process(pid) if pid else None
        return process.create_time() if process and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


@dataclass(frozen=True)
class StackLayout:
    """One stack on this machine; another state folder and base port make a second one."""

    state_dir: Path
    base_port: int

    @classmethod
    def from_environment(cls) -> "StackLayout":
        """The stack that AVA_STATE_DIR and AVA_PORT name, by default `.ava/state` and 8080.

        While it runs, its ports are those it was started with, whatever AVA_PORT says now.
        The default folder is first adopted from an earlier release; see earlier_release for what that raises.
        """
        base_port = parse_base_port(os.environ.get("AVA_PORT"))
        if chosen := os.environ.get("AVA_STATE_DIR"):
            folder = Path(chosen).expanduser().resolve()
        else:
            earlier_release.adopt(DEFAULT_STATE_DIR)
            folder = DEFAULT_STATE_DIR.resolve()
        return cls(folder, running_port(folder / STATUS_FILE) or base_port)

    def port_of(self, process: str) -> int:
        return self.base_port + PORT_OFFSETS[process]

    def url_of(self, process: str) -> str:
        return f"http://127.0.0.1:{self.port_of(process)}"

    @property
    def public_url(self) -> str:
        """The URL people open."""
        return f"http://localhost:{self.base_port}"

    @property
    def env_dir(self) -> Path:
        return self.state_dir / "env"

    @property
    def logs_dir(self) -> Path:
        return self.state_dir / "logs"

    @property
    def status_file(self) -> Path:
        return self.state_dir / STATUS_FILE

    @property
    def disabled_dir(self) -> Path:
        """A file named after a process in here keeps that process stopped."""
        return self.state_dir / "disabled"

    def create_folders(self) -> None:
        """Create the folders; env files are readable by their owner only."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        for folder in (self.logs_dir, self.disabled_dir):
            folder.mkdir(exist_ok=True)
        self.env_dir.mkdir(mode=0o700, exist_ok=True)

    def delete_files(self) -> None:
        """Delete the stack's files, and the folder if nothing else is in it."""
        for name in (
            "env",
            "logs",
            "disabled",
            earlier_release.DISABLED,
            "caddy",
            "supabase-auth",
            "postgres",
        ):
            shutil.rmtree(self.state_dir / name, ignore_errors=True)
        for name in ("secrets.json", "status.json", "supervisor.log", "supervisor.lock"):
            (self.state_dir / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.state_dir.rmdir()
