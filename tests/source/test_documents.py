"""What holds of every document: lines that a diff can show, links that lead somewhere."""

import re

import pytest
from source.repository_files import ROOT, headings, named, tracked

WIDEST = 100  # characters; rows of tables, code and single words are as wide as they are
GLOSSARY_LINES = 60


def documents() -> list[str]:
    return [named(path) for path in tracked("*.md")]


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
    wide = [
        number
        for number, line in prose(document)
        if len(line) > WIDEST and not line.startswith("|") and " " in line.strip().removeprefix("- ")
    ]
    assert wide == []


def links(document: str) -> list[tuple[str, str]]:
    """The local links outside code: path and anchor, either may be empty."""
    text = "\n".join(re.sub(r"`[^`]*`", "", line) for _, line in prose(document))
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    local = [link for link in found if not link.startswith(("http:", "https:", "mailto:"))]
    return [(path, anchor) for path, _, anchor in (link.partition("#") for link in local)]


@pytest.mark.parametrize("document", documents())
def test_links_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    assert [path for path, _ in links(document) if not (folder / path).exists()] == []


@pytest.mark.parametrize("document", documents())
def test_anchors_lead_to_a_heading(document: str) -> None:
    targets = [
        (ROOT / document if not path else (ROOT / document).parent / path, anchor)
        for path, anchor in links(document)
        if anchor
    ]
    assert [anchor for path, anchor in targets if anchor not in headings(path.read_text("utf-8"))] == []


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
