"""A machine of its own for a test: namespaces, a Debian root, a network; removed at the end.

Decision 0132.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ava_local.parent_death_signal import signal_on_parent_death
from ava_local.repository import ROOT
from deploy import cgroups, forwarder
from deploy.forwarder import BACKLOG
from deploy.roots import CACHE, Recipe

T = TypeVar("T")

NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup")
HOST = "10.0.2.2"
"""This machine's loopback, as a box reaches it."""

OWN = "10.0.2.100"
"""The address of every box, as it and its containers see it."""

START_SECONDS = 30.0
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 6_000_000_000
"""What a box may write; where memory has less free, its disk is a disk."""


class CommandFailed(AssertionError):
    """A command in a box returned something else than 0; the message is its output."""


class Box:
    """One machine; `shared` is a folder of the test that the box sees as /host."""

    def __init__(self, name: str, recipe: Recipe, command: Sequence[str]) -> None:
        self.name, self.recipe, self.command = f"ava-{name}-{os.getpid()}", recipe, command
        self.work = where_boxes_are()[-1] / self.name
        self.shared = self.work / "shared"
        self._children: list[subprocess.Popen[bytes]] = []
        self._groups: list[Path] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        remove_what_killed_runs_left()
        self.shared.mkdir(parents=True, exist_ok=True)
        self._groups = cgroups.create(self.name)
        init = ["sh", str(Path(__file__).with_name("box_init.sh")), str(self.recipe.path), str(self.work)]
        starting = ["unshare", *NAMESPACES, "--fork", "--kill-child=KILL"]
        die_with_us = signal_on_parent_death(signal.SIGKILL)

        def enter() -> None:
            cgroups.enter(self._groups)
            die_with_us()

        self.launch([*starting, *init, str(ROOT), *self.command], enter)
        self.pid = self._first_process()
        self._connect()

    def launch(
        self,
        command: Sequence[str],
        prepare: Callable[[], None] | None = None,
        keep_open: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a program that ends with the box, at the latest."""
        with (self.work / "log").open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=prepare or signal_on_parent_death(signal.SIGKILL),
                pass_fds=keep_open,
            )
        self._children.append(child)
        return child

    def _first_process(self) -> int:
        """The pid, seen from outside, of the box's first process, once its root is in place."""
        unshare = self._children[0].pid
        found = Path(f"/proc/{unshare}/task/{unshare}/children")

        def pid() -> int | None:
            if self._children[0].poll() is not None:
                raise CommandFailed(self.log())
            pids = found.read_text().split()
            is_there = pids and not Path(f"/proc/{pids[0]}/root{self.work}").exists()
            return int(pids[0]) if is_there else None

        return wait_for(pid, "the box did not start")

    def _connect(self) -> None:
        """Give it a network: outgoing connections, and this machine's loopback at HOST."""
        command = ["slirp4netns", "--configure", "--mtu=65520", f"--api-socket={self.work / 'slirp'}"]
        self.launch([*command, str(self.pid), "tap0"])
        wait_for((self.work / "slirp").exists, "the box has no network")
        wait_for(lambda: "tap0" in self.run("cat /proc/net/route"), "the box has no route")
        self.run("sed -i 's/127.0.0.[0-9]*/10.0.2.3/' /etc/resolv.conf; ip link set lo up || true")

    def forward(self, port: int, to: int) -> None:
        """Let 127.0.0.1:port of this machine lead to that port of the box.

        Not slirp4netns does it: its listening sockets hold one waiting connection, and under load this
        machine's kernel resets some of the others.
        """
        with socket.create_server(("127.0.0.1", port), backlog=BACKLOG) as listener:
            number = listener.fileno()
            program = [sys.executable, forwarder.__file__, "fd", str(number), OWN, str(to)]
            self.launch(["nsenter", "-t", str(self.pid), "-n", *program], keep_open=(number,))

    def lead_on(self, address: str, port: int, to_host: str, to_port: int) -> None:
        """Let an address of the box lead to another one that the box reaches."""
        program = [sys.executable, forwarder.__file__, address, str(port), to_host, str(to_port)]
        self.launch(["nsenter", "-t", str(self.pid), "-n", *program])

    def command_line(self, script: str, folder: str = "/") -> list[str]:
        """The command that runs a shell script in the box."""
        entering = ["nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-i", "-u", "-C", "--"]
        clean = [
            "env",
            "-i",
            "HOME=/root",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin",
            "LANG=C.UTF-8",
        ]
        return [*entering, *clean, "sh", "-c", f"cd {folder} && {script}"]

    def run(self, script: str, folder: str = "/", check: bool = True, timeout: float = 600) -> str:
        """What a shell script in the box prints. Raises CommandFailed."""
        ran = self.result(script, folder, timeout)
        if check and ran.returncode != 0:
            raise CommandFailed(f"{script}\n{ran.returncode}: {ran.stdout[-3000:]}")
        return ran.stdout

    def result(
        self, script: str, folder: str = "/", timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """The exit code of a shell script in the box and what it printed, errors included."""
        return subprocess.run(
            self.command_line(script, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, script: str) -> subprocess.Popen[bytes]:
        """Start a program in the box that runs until the box ends."""
        return self.launch(self.command_line(f"exec {script}"))

    def log(self) -> str:
        """What the first program printed."""
        return (self.work / "log").read_text(errors="replace")

    def restart(self) -> None:
        """Kill everything in it and start it again with what is on its disk."""
        self._kill()
        self._start()

    def stop(self) -> None:
        """Kill everything in it, and leave neither mounts nor groups nor files."""
        self._kill()
        if "AVA_KEEP_BOX" not in os.environ:
            shutil.rmtree(self.work, ignore_errors=True)

    def _kill(self) -> None:
        for child in reversed(self._children):
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                child.wait()
        self._children.clear()
        cgroups.remove(self._groups)
        (self.work / "slirp").unlink(missing_ok=True)


def where_boxes_are() -> list[Path]:
    """The folders in which boxes may be; a new one is made in the last."""
    folders = [CACHE / "boxes"]
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY:
        folders.append(MEMORY / "ava-boxes")
    return folders


def remove_what_killed_runs_left() -> None:
    """Groups and files of boxes whose test run was killed; its processes died with it."""
    left = [
        path for folder in (*cgroups.hierarchies(), *where_boxes_are()) for path in folder.glob("ava-*-*")
    ]
    for name in {path.name for path in left if not is_running(path.name.rsplit("-", 1)[1])}:
        cgroups.remove([hierarchy / name for hierarchy in cgroups.hierarchies()])
        for folder in where_boxes_are():
            shutil.rmtree(folder / name, ignore_errors=True)


def is_running(pid: str) -> bool:
    """Whether this is a test run."""
    try:
        return b"pytest" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def wait_for(ask: Callable[[], T | None], problem: str, seconds: float = START_SECONDS) -> T:
    """The first answer that is not false. Raises CommandFailed with the problem."""
    until = time.monotonic() + seconds
    while not (found := ask()):
        if time.monotonic() > until:
            raise CommandFailed(f"{problem} within {seconds:.0f} s")
        time.sleep(0.05)
    return found
