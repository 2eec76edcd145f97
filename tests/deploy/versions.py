"""Versions to deploy: the work tree as it is, a next version, and broken ones."""

import subprocess
from pathlib import Path

from ava_local.repository import ROOT
from ava_local.stack.environment import SERVICES

IDENTITY = {"GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.org"}
IDENTITY |= {"GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.org"}
EXITS = "raise SystemExit('broken on purpose')\n"
NEVER_READY = """

async def _never(_: object) -> dict[str, bool]:
    return {"a thing that is missing": False}


_ready = _never
"""


class Versions:
    """Tags: `one` (as it stands), `two`, `three`; `exits` ends at once, `unready` is never ready."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(folder)], check=True)
        changed = self._git_of(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, changed.split("\0")):
            source, target = ROOT / name, folder / name
            target.unlink(missing_ok=True)
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
                target.chmod(source.stat().st_mode)
        self.commit("one")
        for tag in ("two", "three"):
            for service in SERVICES:
                self.append(service, f"# version {tag}\n")
            self.commit(tag)
        for name, change in {"exits": EXITS, "unready": NEVER_READY}.items():
            self._git("checkout", "-q", "two")
            for service in SERVICES:
                self.append(service, change)
            self.commit(name)
        self._git("checkout", "-q", "one")

    def tag(self, name: str, version: str) -> None:
        """Another name of a version."""
        self._git("tag", "-f", name, version)

    def commit_of(self, tag: str) -> str:
        """As infra/deploy names it."""
        return self._git("rev-parse", "--short=12", tag).strip()

    def append(self, service: str, text: str) -> None:
        module = self.folder / "services" / service / "src" / f"ava_{service.replace('-', '_')}" / "app.py"
        module.write_text(module.read_text() + text)

    def commit(self, tag: str) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", tag)
        self._git("tag", tag)

    def _git(self, *arguments: str) -> str:
        return self._git_of(self.folder, *arguments)

    def _git_of(self, folder: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], env=IDENTITY | {"PATH": "/usr/bin:/bin"},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout
