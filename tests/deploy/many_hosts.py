"""Nine hosts in a box: network namespaces on one bridge, two copies of each service, Caddy alone.

The units' box has the installed services already; each host runs one of them with its own environment.
"""

from ava_local.stack.environment import SERVICES, as_env_file
from deploy.box import HOST, OWN, wait_for
from deploy.systemd_host import SystemdHost

ROUTER, EDGE = "10.77.0.1", "10.77.0.2"
PORTS = {service: 8083 + nth for nth, service in enumerate(SERVICES)}
PEERS = {"AUTH_URL": "auth", "PROFILE_URL": "profile", "MESSAGING_URL": "messaging"}
ADDRESSES = {
    (service, copy): f"10.77.0.{copy}{nth}" for nth, service in enumerate(SERVICES) for copy in (1, 2)
}
SWITCH = f"ip link add br0 type bridge && ip addr add {ROUTER}/24 dev br0 && ip link set br0 up"
HOST_SCRIPT = f"""\
ip netns add NAME
ip link add LINK type veth peer name eth0 netns NAME
ip link set LINK master br0 up
ip -n NAME addr add ADDRESS/24 dev eth0
ip -n NAME link set eth0 up
ip -n NAME link set lo up
ip -n NAME route add default via {ROUTER}
"""


def link(name: str) -> str:
    """The bridge's end of a host's cable; such names have fifteen characters at most."""
    return f"v-{name[-13:]}"


class ManyHosts:
    """Section 5 of infra/README.md: only addresses change."""

    def __init__(self, host: SystemdHost) -> None:
        self.outside, self.box = host.outside, host.box

    def start(self) -> None:
        """Every service is ready at both of its places, and Caddy serves where the units' Caddy did."""
        self.box.run("systemctl stop ava-again.timer 'ava-*@*' ava-caddy")
        self.box.run(SWITCH)
        self.box.lead_on(ROUTER, self.outside.postgres_port, HOST, self.outside.postgres_port)
        for (service, _), address in ADDRESSES.items():
            self.box.run(f"echo '{address} {service}' >>/etc/hosts")
        for service, copy in ADDRESSES:
            self._start_service(service, copy)
        self._start_caddy()
        for (service, _), address in ADDRESSES.items():
            asking = f"curl -sf -m 2 http://{address}:{PORTS[service]}/readyz"
            wait_for(lambda ask=asking: self.box.result(ask).returncode == 0, f"{service} is not ready", 60)  # type: ignore[misc]
        wait_for(self.outside.is_reached, "Caddy does not answer")

    def _plug_in(self, name: str, address: str) -> None:
        script = HOST_SCRIPT.replace("NAME", name).replace("ADDRESS", address)
        self.box.run("set -e\n" + script.replace("LINK", link(name)))

    def _start_service(self, service: str, copy: int) -> None:
        self._plug_in(f"{service}-{copy}", ADDRESSES[service, copy])
        env = self.outside.env_file(service, ROUTER)
        peers = {name: f"http://{peer}:{PORTS[peer]}" for name, peer in PEERS.items()}
        self._write(f"/run/{service}.env", env + as_env_file(peers))
        home = self.box.run(f"readlink -f /opt/ava/{service}/[12]").strip()
        module = f"ava_{service.replace('-', '_')}"
        command = f"{home}/venv/bin/python -m ava_common.serve {module}.app:build"
        address = f"--host 0.0.0.0 --port {PORTS[service]}"
        self._run_unit(f"{service}-{copy}", f"/run/{service}.env", f"{home}/app", f"{command} {address}")

    def _start_caddy(self) -> None:
        self._plug_in("edge", EDGE)
        upstreams = {
            f"{service.upper().replace('-', '_')}_UPSTREAM": " ".join(
                f"{ADDRESSES[service, copy]}:{port}" for copy in (1, 2)
            )
            for service, port in PORTS.items()
        }
        several = {"AVA_SITE_ADDRESS": ":80", "AVA_FAIL_DURATION": "5s", "AVA_RESPONSE_TIMEOUT": "5s"}
        self._write("/run/edge.env", as_env_file(upstreams | several))
        caddy = "/usr/bin/caddy run --adapter caddyfile --config /opt/ava/caddy/Caddyfile"
        self._run_unit("edge", "/run/edge.env", "/", caddy)
        self.box.lead_on(OWN, 80, EDGE, 80)

    def _run_unit(self, name: str, env: str, folder: str, command: str) -> None:
        properties = f"-p EnvironmentFile={env} -p WorkingDirectory={folder}"
        inside = f"-p NetworkNamespacePath=/run/netns/{name}"
        self.box.run(f"systemd-run --quiet --unit=host-{name} {properties} {inside} {command}")

    def _write(self, path: str, text: str) -> None:
        (self.box.shared / "text").write_text(text)
        self.box.run(f"install -m 600 /host/text {path}")

    def kill(self, service: str, copy: int) -> None:
        """With -9: connections to it are refused from now on."""
        self.box.run(f"systemctl kill -s KILL host-{service}-{copy}")

    def unplug(self, service: str, copy: int) -> None:
        """From now on nothing comes back from it, not even a refusal."""
        self.box.run(f"ip link set {link(f'{service}-{copy}')} down")

    def plug_in_again(self, service: str, copy: int) -> None:
        self.box.run(f"ip link set {link(f'{service}-{copy}')} up")
