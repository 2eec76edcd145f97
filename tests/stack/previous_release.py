"""The release before this one, as CHANGELOG names it, and its sources, as git has them."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ava_local.repository import ROOT

_RELEASED = re.compile(r"^## \[([0-9.]+)\] - ([0-9-]+)\n\nCommit `([0-9a-f]{40})`", re.M)
SOURCES = ("libs/common/src", "services", "supabase/migrations")


class SourcesNotInGit(Exception):
    """The sources of a release cannot be read from git, so nothing about it can be proven."""


@dataclass(frozen=True)
class Release:
    """A released version: the day, and the commit that it was made from."""

    version: str
    day: str
    commit: str

    def unpack(self, folder: Path, repository: Path = ROOT) -> Path:
        """Its libraries, services and migrations, in `folder`. Raises SourcesNotInGit."""
        archive = ["git", "archive", "--format=tar", self.commit, *SOURCES]
        made = subprocess.run(archive, cwd=repository, capture_output=True)
        if made.returncode != 0:
            raise SourcesNotInGit(
                f"The sources of release {self.version} (commit {self.commit}) cannot be read from git: "
                f"{made.stderr.decode().strip()}. Run the tests in a clone with its whole history "
                "(git fetch --unshallow)."
            )
        subprocess.run(["tar", "-x", "-C", folder], input=made.stdout, check=True)
        return folder

    def python_path(self, folder: Path, service: str) -> str:
        """The PYTHONPATH under which this service of the release is imported, not today's."""
        return f"{folder}/libs/common/src:{folder}/services/{service}/src"


def releases(changelog: str) -> list[Release]:
    """All releases, the newest first."""
    return [Release(*found) for found in _RELEASED.findall(changelog)]


def previous_release() -> Release:
    return releases((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))[0]
