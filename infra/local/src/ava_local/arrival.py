"""What is settled before anything starts: left-overs of a killed run, and ports that somebody else holds."""

import contextlib
import time

import psutil

from ava_local import status
from ava_local.places import Places, is_free
from ava_local.postgres import Cluster

ORPHANS_MAY_TAKE = 5.0


class PortTaken(Exception):
    """A port of the house is in use by somebody else."""

    def __init__(self, port: int, process: str, holder: str | None) -> None:
        self.port = port
        super().__init__(
            f"port {port} (for {process}) is taken{f' by {holder}' if holder else ''}. "
            f"Stop that program, or choose other ports: AVA_PORT={suggestion(port)} ./ava up"
        )


def suggestion(port: int) -> int:
    """A base port well away from the taken one."""
    return port // 100 * 100 + 1000 if port < 60_000 else 18_080


def sweep(places: Places, within: float = ORPHANS_MAY_TAKE) -> None:
    """Wait for what a killed supervisor left behind to go, then insist. Nothing else is ever touched."""
    left = [process for row in rows(places) if (process := same_process(row.pid, row.born))]
    _, alive = psutil.wait_procs(left, timeout=within)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=within)


def rows(places: Places) -> tuple[status.Row, ...]:
    before = status.last(places)
    return before.rows if before else ()


def same_process(pid: int | None, born: float | None) -> psutil.Process | None:
    """The process, unless its number went to somebody else since."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if pid and born and status.born(pid) == born:
            return psutil.Process(pid)
    return None


def forget_dead_postmaster(cluster: Cluster) -> None:
    """A pid file whose number now belongs to another program would stop PostgreSQL from starting."""
    mark = cluster.data / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(mark.read_text().splitlines()[0])
        if not is_postgres(pid):
            mark.unlink()


def is_postgres(pid: int) -> bool:
    try:
        return "postgres" in psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return False


def need_ports(wanted: dict[str, int]) -> None:
    """Raises PortTaken for the first port that cannot be had within a moment."""
    deadline = time.monotonic() + 1
    for process, port in wanted.items():
        while not is_free(port):
            if time.monotonic() > deadline:
                raise PortTaken(port, process, holder_of(port))
            time.sleep(0.05)


def holder_of(port: int) -> str | None:
    """Name and pid of who listens there, where the system tells."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens_on = connection.laddr[1] if connection.laddr else None
            if connection.status == psutil.CONN_LISTEN and listens_on == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None
