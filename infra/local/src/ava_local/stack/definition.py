"""The processes of a stack: command, port, variables and dependencies of each.

Decisions 0167 and 0188.
"""

import sys
from pathlib import Path

from ava_local.postgres.cluster import FAST_SHUTDOWN_SIGNAL
from ava_local.repository import ROOT
from ava_local.stack.environment import SERVICES, Environment
from ava_local.supervisor import readiness_probes
from ava_local.supervisor.process_spec import ProcessSpec

CADDYFILE = ROOT / "infra" / "caddy" / "Caddyfile"
REFUSALS = (3, 78)
"""What a service exits with when it refuses to start: uvicorn's code, and that of invalid settings."""
POSTGRES_SETTINGS = {
    "max_connections": "100",  # half of what tests are given: one stack takes about 30
    "shared_buffers": "64MB",  # half of the default: a few people never fill it
    "io_method": "sync",  # as Supabase's PostgreSQL 17 does, without processes for it
    "max_logical_replication_workers": "0",  # nobody subscribes to anything
}
HASHING_NICENESS = 10
"""Of what hashes passwords: hosted, that is another machine."""
CADDY = Path(sys.executable).with_name("caddy")


def processes(environment: Environment) -> list[ProcessSpec]:
    """Every process of the stack, dependencies first."""
    table = [database_setup(environment)]
    if not environment.external_admin_url:
        table.insert(0, postgres(environment))
    if environment.needs_supabase_standin:
        table.append(supabase_auth(environment))
    if environment.needs_whatsapp_simulator:
        table.append(whatsapp_simulator(environment))
    table += [service(environment, name) for name in SERVICES]
    return [*table, caddy(environment)]


def postgres(environment: Environment) -> ProcessSpec:
    cluster = environment.cluster()
    return ProcessSpec(
        name="postgres",
        command=cluster.command(POSTGRES_SETTINGS),
        port=cluster.port,
        ready=readiness_probes.callback(cluster.is_ready),
        stop_signal=FAST_SHUTDOWN_SIGNAL,
        parent_death_signal=FAST_SHUTDOWN_SIGNAL,
        popen_options=dict(cluster.popen_options()),
    )


def database_setup(environment: Environment) -> ProcessSpec:
    return ProcessSpec(
        name="database-setup",
        command=[sys.executable, "-m", "ava_local.postgres.database_setup"],
        environment=environment.database_setup(),
        depends_on=() if environment.external_admin_url else ("postgres",),
        is_one_shot=True,
    )


def supabase_auth(environment: Environment) -> ProcessSpec:
    layout = environment.layout
    return ProcessSpec(
        name="supabase-auth",
        command=[sys.executable, "-m", "ava_supabase_standin"],
        environment=environment.supabase_auth(),
        port=layout.port_of("supabase-auth"),
        ready=readiness_probes.http(layout.port_of("supabase-auth"), "/healthz"),
        depends_on=("database-setup",),
        niceness=HASHING_NICENESS,
    )


def whatsapp_simulator(environment: Environment) -> ProcessSpec:
    layout = environment.layout
    return ProcessSpec(
        name="whatsapp-simulator",
        command=[sys.executable, "-m", "ava_whatsapp_simulator"],
        environment=environment.whatsapp_simulator(),
        port=layout.port_of("whatsapp-simulator"),
        ready=readiness_probes.http(layout.port_of("whatsapp-simulator"), "/healthz"),
    )


def service(environment: Environment, name: str) -> ProcessSpec:
    """Started as on a VPS: the same command and the same variables."""
    layout, package = environment.layout, "ava_" + name.replace("-", "_")
    address = ["--host", "127.0.0.1", "--port", str(layout.port_of(name))]
    # Auth says that it cannot reach Supabase, which is so until the stand-in, that gives way, is there.
    before = ("supabase-auth",) if name == "auth" and environment.needs_supabase_standin else ()
    return ProcessSpec(
        name=name,
        command=[str(services_python(name)), "-m", "ava_common.serve", f"{package}.app:build", *address],
        environment=environment.service(name),
        port=layout.port_of(name),
        ready=readiness_probes.http(layout.port_of(name), "/readyz"),
        depends_on=("database-setup", *before),
        refusals=REFUSALS,
    )


def services_python(name: str) -> Path:
    """Has the packages of this service's own lock file and nothing else, as in production."""
    return ROOT / ".ava" / "services" / name / "bin" / "python"


def caddy(environment: Environment) -> ProcessSpec:
    layout = environment.layout
    return ProcessSpec(
        name="caddy",
        command=[str(CADDY), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"],
        environment=environment.caddy(),
        port=layout.base_port,
        ready=readiness_probes.tcp(layout.base_port),
        depends_on=SERVICES,
    )
