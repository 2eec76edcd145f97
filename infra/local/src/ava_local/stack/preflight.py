"""Checks before the first process starts: leftover processes, stale pid files, ports in use."""

import contextlib
import time

import psutil

from ava_local.expected_error import ExpectedError
from ava_local.ports import is_port_free
from ava_local.postgres.cluster import Cluster
from ava_local.stack import status_file
from ava_local.stack.layout import StackLayout, create_time

LEFTOVER_GRACE_SECONDS = 5.0


class PortInUse(ExpectedError):
    """A port of the stack is in use by another program."""

    def __init__(self, port: int, process: str, listener: str | None) -> None:
        self.port = port
        super().__init__(
            f"port {port} (needed by {process}) is already in use{f' by {listener}' if listener else ''}. "
            f"Stop that program, or use other ports: AVA_PORT={suggested_base_port(port)} ./ava up"
        )


def suggested_base_port(port: int) -> int:
    """A base port well away from the one in use."""
    return port // 100 * 100 + 1000 if port < 60_000 else 18_080


def kill_leftover_processes(layout: StackLayout, timeout: float = LEFTOVER_GRACE_SECONDS) -> None:
    """Wait for what a killed supervisor left behind to exit, then kill it. Nothing else is touched."""
    leftover = [
        process for row in last_process_statuses(layout) if (process := process_if_same(row.pid, row.born))
    ]
    _, alive = psutil.wait_procs(leftover, timeout=timeout)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=timeout)


def last_process_statuses(layout: StackLayout) -> tuple[status_file.ProcessStatus, ...]:
    before = status_file.read_last(layout)
    return before.processes if before else ()


def process_if_same(pid: int | None, born: float | None) -> psutil.Process | None:
    """The process, unless its pid now belongs to another one."""
    try:
        same = pid and born and create_time(pid) == born
        return psutil.Process(pid) if same else None
    except psutil.NoSuchProcess:
        return None


def remove_stale_postmaster_pid(cluster: Cluster) -> None:
    """Delete a pid file whose pid now belongs to another program: PostgreSQL would refuse to start."""
    pid_file = cluster.data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        if not is_postgres(pid):
            pid_file.unlink()


def is_postgres(pid: int) -> bool:
    try:
        return "postgres" in psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return False


def require_free_ports(wanted: dict[str, int]) -> None:
    """Raises PortInUse for the first port that is not free within a second."""
    deadline = time.monotonic() + 1
    for process, port in wanted.items():
        while not is_port_free(port):
            if time.monotonic() > deadline:
                raise PortInUse(port, process, listener_on(port))
            time.sleep(0.05)


def listener_on(port: int) -> str | None:
    """Name and pid of the program listening there, if the system tells."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens_on = connection.laddr[1] if connection.laddr else None
            if connection.status == psutil.CONN_LISTEN and listens_on == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None
