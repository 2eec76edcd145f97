"""What a host finds outside of itself: PostgreSQL, Supabase and Meta, all of this machine's own stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ava_local.demo.user_journey import UserJourney
from ava_local.ports import free_base_port, free_port
from ava_local.stack.control import Stack
from ava_local.stack.environment import SERVICES, Environment, as_env_file
from deploy.box import HOST, OWN, Box

PROXY_PORTS = {"supabase-auth": 9102, "whatsapp-simulator": 9101}


class StandIns(Stack):
    """A stack of which the database and the stand-ins start, and nothing else."""

    AWAY = ("caddy", *SERVICES)

    def _has_started(self) -> bool:
        if not (found := self.status()):
            return super()._has_started()
        for process in self.AWAY:  # their turn comes after the database's migrations
            (self.layout.disabled_dir / process).touch()
        return all(row.is_ready for row in found.processes if row.name not in self.AWAY)


class Outside:
    """The stand-ins and the database, beside a host with the services."""

    def __init__(self, stack: Stack, edge_port: int) -> None:
        self.stack, self.edge_port = stack, edge_port
        self.edge_url = f"http://127.0.0.1:{edge_port}"
        self.postgres_port = stack.layout.port_of("postgres")

    def is_reached(self) -> bool:
        """Whether the edge proxy answers to what comes from outside."""
        try:
            return httpx.get(f"{self.edge_url}/healthz", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def journey_fails_at(self) -> list[tuple[str, str | None]]:
        """The steps of a user's journey through the edge proxy that fail, and why."""
        journey = UserJourney(self.edge_url, self.stack.simulator_url)
        return [(step.title, step.problem) for step in journey.run() if step.problem]

    def env_file(self, service: str, database_host: str = HOST) -> str:
        """The .env of a service on a host: production's variables, and where the outside is from there."""
        environment = Environment(self.stack.layout, self.stack.secrets, self.stack.variables)
        values = environment.service(service) | self._addresses(service)
        here = f"@127.0.0.1:{self.postgres_port}"
        there = f"@{database_host}:{self.postgres_port}"
        return as_env_file({name: value.replace(here, there) for name, value in values.items()})

    def _addresses(self, service: str) -> dict[str, str]:
        url = {name: f"http://{OWN}:{port}" for name, port in PROXY_PORTS.items()}
        issuer = f"{self.stack.url('supabase-auth')}/auth/v1"
        peers = {"AUTH_URL": 3, "PROFILE_URL": 4, "MESSAGING_URL": 5}
        addresses = {name: f"http://ava-host:808{port}" for name, port in peers.items()}
        addresses |= {"SUPABASE_URL": url["supabase-auth"], "SUPABASE_JWT_ISSUER": issuer}
        if service == "whatsapp-gateway":
            addresses["GRAPH_API_URL"] = url["whatsapp-simulator"]
        return addresses

    def proxy_config(self) -> str:
        """A Caddyfile that leads a box to the stand-ins, which serve loopback names only."""
        sites = [
            f"http://{OWN}:{port} {{\n\treverse_proxy {HOST}:{self.stack.layout.port_of(name)} {{\n"
            f"\t\theader_up Host 127.0.0.1:{self.stack.layout.port_of(name)}\n\t}}\n}}\n"
            for name, port in PROXY_PORTS.items()
        ]
        return "{\n\tadmin off\n\tpersist_config off\n}\n" + "".join(sites)


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """Start it; the simulator posts its webhooks to the port that a box is reached at."""
    edge_port = free_port()
    variables = {
        "WHATSAPP_SIMULATOR_WEBHOOK_URL": f"http://127.0.0.1:{edge_port}/webhooks/whatsapp",
        "AUTH_NETWORK_ATTEMPTS": "100000",
        "PROFILE_LINK_NETWORK_ATTEMPTS": "100000",
    }
    stack = StandIns(folder, free_base_port(), variables)
    try:
        with stack:
            yield Outside(stack, edge_port)
    finally:
        stack.delete_data()


def lead_to(box: Box, outside: Outside, edge: int = 80) -> None:
    """Connect a box with the outside, both ways."""
    box.forward(outside.edge_port, edge)
    (box.shared / "outside.caddyfile").write_text(outside.proxy_config())
    box.start("caddy run --adapter caddyfile --config /host/outside.caddyfile")
