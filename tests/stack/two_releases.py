"""The services of the previous release and of this one on one database, behind one phone simulator."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from ava_local.ports import free_base_port
from ava_local.postgres.cluster import SUPERUSER
from ava_local.postgres.migrations import migrate
from ava_local.postgres.supabase_baseline import set_passwords
from ava_local.stack import definition
from ava_local.stack.environment import SERVICES, Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.supervisor import readiness_probes
from ava_local.supervisor.process_spec import ProcessSpec
from ava_local.supervisor.restart_policy import RestartPolicy
from ava_local.supervisor.supervisor import Supervisor
from ava_local.testing.databases import MIGRATIONS, Database, new_database, temporary_cluster
from chaos import fault_settings
from stack.previous_release import Release, previous_release

START_SECONDS = 90.0
GATEWAY = "whatsapp-gateway"
SECOND_GATEWAY = "previous-gateway-with-new-peers"
"""Runs the previous release's gateway, which asks this release's services."""


@dataclass(frozen=True)
class TwoReleases:
    """Processes by name: `auth` is the previous release's, `new-auth` this one's; the edge proxy leads to the
    previous release's services, which this release's gateway asks as well.
    """

    release: Release
    sources: Path
    layout: StackLayout
    database: Database
    supervisor: Supervisor
    running: "asyncio.Task[None]"

    @property
    def public_url(self) -> str:
        return self.layout.public_url

    @property
    def simulator_url(self) -> str:
        return self.layout.url_of("whatsapp-simulator")

    @property
    def admin_url(self) -> str:
        return self.database.url(SUPERUSER)

    def url(self, process: str) -> str:
        return f"http://127.0.0.1:{self.supervisor.supervised[process].spec.port}"

    async def start(self, *processes: str) -> None:
        """Start these processes; ready on return."""
        for name in processes:
            (self.layout.disabled_dir / name).unlink(missing_ok=True)
        await self.wait_ready(*processes)

    async def wait_ready(self, *processes: str) -> None:
        waiting = [
            asyncio.create_task(self.supervisor.supervised[name].is_ready.wait()) for name in processes
        ]
        ready = asyncio.gather(*waiting)
        either: set[asyncio.Future[Any]] = {ready, self.running}
        with suppress(TimeoutError):
            await asyncio.wait(either, timeout=START_SECONDS, return_when="FIRST_COMPLETED")
        if self.running.done():
            await self.running
        assert ready.done(), f"one of {', '.join(processes)} was not ready in {START_SECONDS} s"

    async def migrate(self) -> list[str]:
        """Apply this release's migrations; the names of those that were new."""
        return await migrate(self.database.url("postgres"), MIGRATIONS)

    async def events_done(self, gateway: str) -> float:
        """How many events this gateway has handled to their end."""
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"{self.url(gateway)}/metrics")).text
        counted = [
            line for line in metrics.splitlines() if line.startswith('whatsapp_events_total{state="done"}')
        ]
        return float(counted[0].split()[-1]) if counted else 0.0


NEW = tuple(f"new-{name}" for name in SERVICES)


@asynccontextmanager
async def two_releases(folder: Path) -> AsyncIterator[TwoReleases]:
    """The previous release running on its own schema; what is new is still to be started."""
    release = previous_release()
    (folder / "sources").mkdir()
    sources = release.unpack(folder / "sources")
    with temporary_cluster() as cluster:
        database = await new_database(cluster, "two_releases")
        await migrate(database.url("postgres"), sources / "supabase" / "migrations")
        layout = StackLayout(folder / "state", free_base_port())
        layout.create_folders()
        environment = _environment(layout, database)
        await set_passwords(database.url(SUPERUSER), environment.passwords())
        table = _processes(environment, release, sources)
        for name in (*NEW, SECOND_GATEWAY):
            (layout.disabled_dir / name).touch()
        policy = RestartPolicy(ready_timeout_seconds=START_SECONDS)
        supervisor = Supervisor(table, layout.logs_dir, layout.disabled_dir, restart_policy=policy)
        running = asyncio.create_task(supervisor.run())
        made = TwoReleases(release, sources, layout, database, supervisor, running)
        try:
            await made.wait_ready("whatsapp-simulator", "supabase-auth", *SERVICES, "caddy")
            yield made
        finally:
            supervisor.stop()
            await running


def _environment(layout: StackLayout, database: Database) -> Environment:
    chosen = {"AVA_DATABASE_ADMIN_URL": database.url(SUPERUSER), **fault_settings.gateway_variables()}
    # Few lanes at once and often, so that no gateway takes all of them before another one looks.
    chosen |= {"WHATSAPP_GATEWAY_CONCURRENCY": "2", "WHATSAPP_GATEWAY_POLL": "0.2"}
    return Environment(layout, load_or_create(layout.state_dir / "secrets.json"), chosen)


def _processes(environment: Environment, release: Release, sources: Path) -> list[ProcessSpec]:
    """The stack's own table with the previous release's services, and this release's on other ports."""
    usual = [spec for spec in definition.processes(environment) if not spec.is_one_shot]
    new_layout = StackLayout(environment.layout.state_dir, free_base_port())
    new_urls = {f"{name.upper()}_URL": new_layout.url_of(name) for name in SERVICES if name != GATEWAY}
    table = []
    for spec in usual:
        spec = replace(spec, depends_on=tuple(name for name in spec.depends_on if name in SERVICES))
        if spec.name in SERVICES:
            path = {"PYTHONPATH": release.python_path(sources, spec.name)}
            old = replace(spec, command=_own_command(spec, sources), environment={**spec.environment, **path})
            table.append(old)
            # This release's gateway asks the previous release's services, its services each other.
            urls = {} if spec.name == GATEWAY else new_urls
            table.append(_moved(spec, f"new-{spec.name}", new_layout.port_of(spec.name), urls))
        else:
            table.append(spec)
        if spec.name == GATEWAY:
            table.append(_moved(old, SECOND_GATEWAY, new_layout.port_of("caddy"), new_urls))
    return table


def _own_command(spec: ProcessSpec, sources: Path) -> list[str]:
    """How these sources say that the service is started, at this release's address."""
    recipe = (sources / "services" / spec.name / "Dockerfile").read_text()
    words = json.loads(recipe.partition("CMD ")[2].replace("\\\n", ""))
    for option in ("--host", "--port"):
        words[words.index(option) + 1] = spec.command[spec.command.index(option) + 1]
    return [spec.command[0], *words[1:]]


def _moved(spec: ProcessSpec, name: str, port: int, variables: dict[str, str]) -> ProcessSpec:
    """The same process under another name, on another port, with other variables."""
    return replace(
        spec,
        name=name,
        command=[str(port) if word == str(spec.port) else word for word in spec.command],
        environment={**spec.environment, **variables},
        port=port,
        ready=readiness_probes.http(port, "/readyz"),
    )
