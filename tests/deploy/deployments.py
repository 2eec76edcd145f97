"""Calls `infra/deploy` as an owner does, from a checkout to a host."""

import asyncio
import os
import subprocess
from pathlib import Path

from deploy.box import Box
from deploy.versions import Versions


class Deployments:
    """`infra/deploy` of the versions' checkout; ssh is replaced by a command that enters the box."""

    def __init__(self, versions: Versions, box: Box) -> None:
        self.versions = versions
        self.ssh = box.work / "ssh"
        *entering, _ = box.command_line("")
        self.ssh.write_text(f'#!/bin/sh\nshift\nexec {" ".join(entering)} "$*"\n')
        self.ssh.chmod(0o755)

    async def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Its exit code and what it printed."""
        command = [str(self.versions.folder / "infra" / "deploy"), *arguments, "--host", "root@box"]
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

    def checkout(self) -> Path:
        return self.versions.folder
