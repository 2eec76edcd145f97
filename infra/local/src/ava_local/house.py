"""The whole house on one page: its processes, their ports, variables and order."""

import sys
from pathlib import Path

from ava_local import probes
from ava_local.environment import ROOMS, Environment
from ava_local.places import ROOT
from ava_local.postgres import STOP_SIGNAL
from ava_local.process import Process

CADDYFILE = ROOT / "infra" / "caddy" / "Caddyfile"
CADDY = Path(sys.executable).with_name("caddy")


def processes(environment: Environment) -> list[Process]:
    """Every process of the house, whoever is needed before whoever needs it."""
    table = [prepared_database(environment)]
    if not environment.admin_url:
        table.insert(0, postgres(environment))
    if environment.needs_supabase:
        table.append(supabase_auth(environment))
    if environment.needs_simulator:
        table.append(whatsapp_simulator(environment))
    table += [room(environment, name) for name in ROOMS]
    return [*table, caddy(environment)]


def postgres(environment: Environment) -> Process:
    cluster = environment.cluster()
    return Process(
        name="postgres",
        command=cluster.command(),
        port=cluster.port,
        ready=probes.word(cluster.ready),
        stops_with=STOP_SIGNAL,
        dies_with=STOP_SIGNAL,
        options=dict(cluster.popen_options()),
    )


def prepared_database(environment: Environment) -> Process:
    return Process(
        name="database",
        command=[sys.executable, "-m", "ava_local.prepare"],
        environment=environment.preparation(),
        needs=() if environment.admin_url else ("postgres",),
        once=True,
    )


def supabase_auth(environment: Environment) -> Process:
    places = environment.places
    return Process(
        name="supabase-auth",
        command=[sys.executable, "-m", "ava_supabase_standin"],
        environment=environment.supabase_auth(),
        port=places.port_of("supabase-auth"),
        ready=probes.http(places.port_of("supabase-auth"), "/healthz"),
        needs=("database",),
    )


def whatsapp_simulator(environment: Environment) -> Process:
    places = environment.places
    return Process(
        name="whatsapp-simulator",
        command=[sys.executable, "-m", "ava_whatsapp_simulator"],
        environment=environment.simulator(),
        port=places.port_of("whatsapp-simulator"),
        ready=probes.http(places.port_of("whatsapp-simulator"), "/healthz"),
    )


def room(environment: Environment, name: str) -> Process:
    """Started as on a VPS: the same command, the same variables, nothing else."""
    places, package = environment.places, "ava_" + name.replace("-", "_")
    serving = [
        "--host",
        "127.0.0.1",
        "--port",
        str(places.port_of(name)),
        "--no-access-log",
        "--no-server-header",
    ]
    patience = ["--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "5"]
    return Process(
        name=name,
        command=[
            *(sys.executable, "-m", "uvicorn", "--factory", f"{package}.app:build"),
            *serving,
            *patience,
        ],
        environment=environment.room(name),
        port=places.port_of(name),
        ready=probes.http(places.port_of(name), "/readyz"),
        needs=("database",),
    )


def caddy(environment: Environment) -> Process:
    places = environment.places
    return Process(
        name="caddy",
        command=[str(CADDY), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"],
        environment=environment.caddy(),
        port=places.port,
        ready=probes.tcp(places.port),
        needs=ROOMS,
    )
