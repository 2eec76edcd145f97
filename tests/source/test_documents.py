"""What holds of every document: lines that a diff can show, links that lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WIDEST = 100  # characters; rows of tables and code are as wide as they are
GLOSSARY_LINES = 60


def documents() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def prose(document: str) -> list[tuple[int, str]]:
    """The numbered lines outside code blocks."""
    found, in_code = [], False
    for number, line in enumerate((ROOT / document).read_text("utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code:
            found.append((number, line))
    return found


@pytest.mark.parametrize("document", documents())
def test_prose_wraps(document: str) -> None:
    wide = [number for number, line in prose(document) if len(line) > WIDEST and not line.startswith("|")]
    assert wide == []


@pytest.mark.parametrize("document", documents())
def test_links_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    links = [
        link
        for _, line in prose(document)
        for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line))
    ]
    local = [
        link.partition("#")[0] for link in links if not link.startswith(("http:", "https:", "mailto:", "#"))
    ]
    assert [link for link in local if not (folder / link).exists()] == []


def test_the_glossary_is_short_and_linked() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text("utf-8")
    assert len(glossary.splitlines()) <= GLOSSARY_LINES
    words = [
        "lane",
        "lease",
        "fence",
        "delivery",
        "event",
        "turn",
        "send",
        "held",
        "awaiting",
        "unresolved",
        "pin",
        "recycled",
        "stand-in",
    ]
    assert [word for word in [*words, "delegated token"] if f"**{word}**" not in glossary] == []
    for document in ("README.md", "CONTRIBUTING.md"):
        assert "(docs/glossary.md)" in (ROOT / document).read_text("utf-8")


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    pages = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert re.findall(r"\]\((\d{4}-[^)]+\.md)\)", index.partition("| | dated")[2]) == pages
