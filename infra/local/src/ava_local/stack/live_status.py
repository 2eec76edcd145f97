"""Asks the processes of a running stack whether they are ready now."""

import asyncio
from dataclasses import replace

from ava_local.stack.environment import SERVICES
from ava_local.stack.status_file import ProcessStatus, StackStatus
from ava_local.supervisor import readiness_probes

PATHS = {**dict.fromkeys(SERVICES, "/readyz"), "supabase-auth": "/healthz", "whatsapp-simulator": "/healthz"}


def ask(status: StackStatus) -> StackStatus:
    """The same status, with the state and the words of each process that should be ready as it says now."""
    return asyncio.run(_ask(status))


async def _ask(status: StackStatus) -> StackStatus:
    rows = await asyncio.gather(*(_now(row) for row in status.processes))
    return replace(status, processes=tuple(rows))


async def _now(row: ProcessStatus) -> ProcessStatus:
    if row.state != "ready" or row.port is None:
        return row
    path = PATHS.get(row.name)
    probe = readiness_probes.http(row.port, path) if path else readiness_probes.tcp(row.port)
    heard = await probe()
    if heard.is_ready:
        return replace(row, state="degraded" if heard.words else "ready", words=heard.words)
    return replace(row, state="not ready", words=heard.words or "it does not respond")
