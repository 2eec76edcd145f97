"""The files of this repository as Git lists them, and the anchors of its documents."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]


# At import: the tests themselves start no process.
_LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT, capture_output=True, text=True, check=True,
).stdout.splitlines()  # fmt: skip


def tracked(*patterns: str) -> list[Path]:
    """Files that are in Git or could be added, under these patterns; all of them without any."""
    wanted = patterns or ("*",)
    names = [name for name in _LISTED if any(fnmatch(name, pattern) for pattern in wanted)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def headings(document: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", document, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in found}
