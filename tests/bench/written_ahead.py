"""What PostgreSQL wrote ahead between two moments: commits, and bytes without full-page images."""

import re
import subprocess

import asyncpg

from ava_local.postgres.cluster import Cluster
from ava_local.postgres.server_binaries import usable_binaries
from bench.load_generator import LoadFailed

_FLUSHED = "select pg_current_wal_flush_lsn()::text"
_COMMITS = re.compile(r"^Transaction/COMMIT\s+(\d+)", re.MULTILINE)
_TOTAL = re.compile(r"^Total\s+\d+\s+(\d+)", re.MULTILINE)


async def position(cluster: Cluster) -> str:
    """Where the log ends now."""
    connection = await asyncpg.connect(cluster.url())
    try:
        return str(await connection.fetchval(_FLUSHED))
    finally:
        await connection.close()


def between(cluster: Cluster, start: str, end: str) -> tuple[int, int]:
    """Commits, and bytes of records. Raises LoadFailed when the log cannot be read."""
    program = usable_binaries(cluster.version, cluster.folder) / "pg_waldump"
    where = ["-p", str(cluster.data / "pg_wal"), "-s", start, "-e", end]
    done = subprocess.run([program, "--stats=record", *where], capture_output=True, text=True, check=False)
    total = _TOTAL.search(done.stdout)
    if total is None:
        raise LoadFailed(done.stderr[-600:])
    commits = _COMMITS.search(done.stdout)
    return int(commits[1]) if commits else 0, int(total[1])
