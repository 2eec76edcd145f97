"""Calls `infra/deploy` as an owner does, from a checkout to a host."""

import asyncio
import os
import subprocess

from ava_local.postgres.server_binaries import installed_binaries
from deploy.box import Box
from deploy.versions import Versions


class Deployments:
    """`infra/deploy` of the versions' checkout, over ssh; without one, a command that enters the box."""

    def __init__(self, versions: Versions, box: Box, ssh: str = "") -> None:
        self.versions, self.box = versions, box
        self.ssh = ssh or self._entering()

    def _entering(self) -> str:
        program = self.box.work / "ssh"
        *entering, _ = self.box.command_line("")
        program.write_text(f'#!/bin/sh\nshift\nexec {" ".join(entering)} "$*"\n')
        program.chmod(0o755)
        return str(program)

    async def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Its exit code and what it printed."""
        command = [str(self.versions.folder / "infra" / "deploy"), *arguments, "--host", "root@127.0.0.1"]
        environment = {**os.environ, "AVA_SSH": self.ssh}
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
            "AVA_SSH": self.ssh,
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
