"""Calls `infra/deploy` as an owner does, from a checkout to a host."""

import asyncio
import os
import subprocess

from ava_local.postgres.server_binaries import installed_binaries
from deploy.box import Box
from deploy.versions import Versions


class Deployments:
    """`infra/deploy` of the versions' checkout; ssh is replaced by a command that enters the box."""

    def __init__(self, versions: Versions, box: Box) -> None:
        self.versions, self.box = versions, box
        self.ssh = box.work / "ssh"
        *entering, _ = box.command_line("")
        self.ssh.write_text(f'#!/bin/sh\nshift\nexec {" ".join(entering)} "$*"\n')
        self.ssh.chmod(0o755)

    async def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Its exit code and what it printed."""
        command = [str(self.versions.folder / "infra" / "deploy"), *arguments, "--host", "root@127.0.0.1"]
        environment = {**os.environ, "AVA_SSH": str(self.ssh), **variables}
        return await asyncio.to_thread(
            subprocess.run,
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    def follow_page(self, block: str, admin_url: str) -> str:
        """Run commands of infra/README.md in the checkout, with psql and the administrator's URL at hand."""
        environment = {
            **os.environ,
            "AVA_SSH": str(self.ssh),
            "ADMIN_DATABASE_URL": admin_url,
            "PATH": f"{installed_binaries(18)}:{os.environ['PATH']}",
        }
        command = ["sh", "-euc", block]
        return subprocess.run(
            command, cwd=self.versions.folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    async def deploy(self, service: str, version: str) -> str:
        """Really deploy; raises when it does not succeed."""
        done = await self.run(service, version, "--yes", "--migrations-applied")
        assert done.returncode == 0, done.stdout
        return done.stdout

    async def refused(self, service: str, version: str) -> str:
        """Really deploy a version that does not come; raises when it does."""
        done = await self.run(service, version, "--yes", "--migrations-applied")
        assert done.returncode == 1, done.stdout
        return done.stdout

    def over_ssh(self, port: int) -> str:
        """The ssh command that reaches the box's own sshd, with a key made for it."""
        key = self.box.work / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        (self.box.shared / "text").write_text(key.with_suffix(".pub").read_text())
        self.box.run("install -D -m 600 /host/text /root/.ssh/authorized_keys")
        self.box.forward(port, 22)
        known = f"-o UserKnownHostsFile={self.box.work / 'known'} -o StrictHostKeyChecking=accept-new"
        return f"ssh -p {port} -i {key} {known} -o BatchMode=yes"
