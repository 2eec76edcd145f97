"""A host with systemd as its first process, set up as section 2b of infra/README.md says."""

import shutil
import subprocess
from pathlib import Path

from ava_local.ports import free_port
from ava_local.repository import ROOT
from ava_local.stack.definition import CADDY
from ava_local.stack.environment import SERVICES
from deploy import readme, wheels
from deploy.box import OWN, Box, wait_for
from deploy.deployments import Deployments
from deploy.outside import PROXY_PORTS, Outside, lead_to
from deploy.roots import EMPTY

BOOT_SECONDS = 60.0


class SystemdHost:
    """A box in which systemd runs."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.box = Box("systemd", EMPTY, ["env", "-i", "container=other", "/lib/systemd/systemd"])
        self._ssh_port = free_port()

    def prepare(self) -> None:
        """What the owner has: a machine with what the page installs, Caddy, the files under /etc/ava."""
        self.wait_booted()
        shutil.copy(CADDY, self.box.shared / "caddy")
        shutil.copytree(wheels.FOLDER, self.box.shared / "wheels")
        (self.box.shared / "pip.conf").write_text(wheels.PIP_CONF)
        self.box.run(
            "install -m 755 /host/caddy /usr/bin/caddy && cp -r /host/wheels / && cp /host/pip.conf /etc/"
        )
        self._let_in()
        self._connect()
        self.box.run(readme.commands("mkdir -p -m 700 /etc/ava"))
        self._fetch_packages()
        self.write_env_files()

    def _fetch_packages(self) -> None:
        """What later commands of the page install is there by then: they would only wait for it."""
        block = readme.commands("install -y ufw").splitlines()
        commands = [readme.sentence("install --no-install-recommends prometheus"), block[0]]
        script = "\n".join(commands).replace("apt-get", "apt-get -q -y --download-only")
        self.write("/root/fetch.sh", script)
        self.box.start("sh -e /root/fetch.sh")

    def _connect(self) -> None:
        lead_to(self.box, self.outside)
        self.box.forward(self._ssh_port, 22)
        for port in PROXY_PORTS.values():
            asking = f"curl -s -m 2 -o /tmp/out http://{OWN}:{port}/"
            wait_for(lambda ask=asking: self.box.result(ask).returncode == 0, "outside is away")  # type: ignore[misc]

    def _let_in(self) -> None:
        """The owner's key; the box has an sshd of its own."""
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)]
        subprocess.run(command, check=True)
        self.write("/root/owner.pub", self._key.with_suffix(".pub").read_text())
        self.box.run("install -D -m 600 /root/owner.pub /root/.ssh/authorized_keys")

    @property
    def _key(self) -> Path:
        return self.box.work / "key"

    @property
    def ssh(self) -> str:
        """The ssh command that reaches it, whatever name the page gives it."""
        known = f"-o UserKnownHostsFile={self.box.work / 'known'} -o StrictHostKeyChecking=accept-new"
        here = f"-o HostName=127.0.0.1 -p {self._ssh_port} -i {self._key}"
        return f"ssh {here} {known} -o BatchMode=yes"

    def wait_booted(self) -> None:
        """Until systemd has started what it starts; a container's console is allowed to fail."""
        states = ("running", "degraded")
        wait_for(
            lambda: self.box.result("systemctl is-system-running").stdout.strip() in states,
            "systemd did not boot",
            BOOT_SECONDS,
        )

    def write_env_files(self) -> None:
        for service in SERVICES:
            self.write(f"/etc/ava/{service}.env", self.outside.env_file(service))

    def write(self, path: str, text: str) -> None:
        (self.box.shared / "text").write_text(text)
        self.box.run(f"install -m 600 /host/text {path}")

    def install(self, deployments: Deployments) -> None:
        """Everything runs, by the commands of the page."""
        block = readme.commands("infra/deploy $service HEAD --host")
        deployments.follow_page(block, self.outside.stack.database_url())
        self.install_caddy()

    def install_caddy(self) -> None:
        """The commands of the page, with plain HTTP in place of the name."""
        assert (ROOT / "infra/caddy/.env.example").exists()
        self.box.run(readme.commands("install -D -m 644 infra/caddy/Caddyfile"), "/repository")
        self.box.run("sed -i s/ava.example.org/:80/ /etc/ava/caddy.env && systemctl restart ava-caddy")

    def unit(self, service: str) -> str:
        """The unit of the copy that runs."""
        shown = self.box.run(
            f"systemctl list-units --plain --no-legend --state=active 'ava-{service}@*' | cut -d' ' -f1"
        )
        [unit] = shown.split()
        return unit

    def restart_machine(self) -> None:
        """As a power cut does it: everything dies, the disk stays."""
        self.box.restart()
        self.wait_booted()
        self._connect()
