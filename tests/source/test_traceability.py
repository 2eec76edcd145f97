"""Code, reason and proof find each other: the decisions, contracts and tests that are named exist."""

import ast
import re
from datetime import date
from pathlib import Path

import pytest
from source.repository_files import ROOT, headings, named, tracked

DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
CONTRACTS = sorted(path for path in (ROOT / "docs/contracts").glob("*.md") if path.name != "README.md")
CODE = ("*.py", "*.sql", "*.js", "*.sh", "*.conf", "*.service", "*Caddyfile", "*.toml", "*.yml")

# `path::test`, as pytest takes it.
PROOF = re.compile(r"([\w./-]+\.py)::(test_\w+)")
# The one form in code: "Decision 0051." or "Decisions 0050, 0052 and 0054."
DECISION = re.compile(r"\b[Dd]ecisions?\s+(\d+(?:(?:,|\s+and)\s+\d{4})*)")
CONTRACT = re.compile(r"docs/contracts/([\w-]+\.md)(#[\w-]+)?")
LINKED_DECISION = re.compile(r"\[decision\s+(\d+)\]\([^)]*?(\d{4})-[^)]*\)")


def code() -> list[Path]:
    return [path for path in tracked(*CODE) if path != Path(__file__)]


def cited_decisions(text: str) -> set[str]:
    return {number for found in DECISION.findall(text) for number in re.findall(r"\d+", found)}


def missing_tests(text: str) -> list[str]:
    """The tests that a text names and that do not exist."""
    return [
        f"{path}::{name}" for path, name in PROOF.findall(text) if name not in names_of_tests(ROOT / path)
    ]


def names_of_tests(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def rules(document: str, heading: str) -> list[str]:
    """The list items under a heading."""
    section = document.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.split(r"^- ", section, flags=re.M)[1:]


def flaws(page: str, number: str) -> list[str]:
    """What a decision's page lacks."""
    found = []
    if not re.match(rf"# {int(number)}\. .+\n\n\*\d{{4}}-\d\d-\d\d\*\n\n\*\*Decision\.\*\* ", page):
        found.append("it does not begin with its number and title, its date and the decision")
    held_by = page.partition("\n\n**Held by**\n\n")[2]
    if not PROOF.search(held_by):
        found.append("no test holds it")
    return found + [f"{test} does not exist" for test in missing_tests(page)]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_is_dated_and_held_by_a_test(path: Path) -> None:
    assert flaws(path.read_text("utf-8"), path.name[:4]) == []


def test_the_index_has_every_decisions_date_and_title() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    rows = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (\S+) \| (.+) \| \S.* \|$", index, re.M)
    pages = [(path.name, path.read_text("utf-8")) for path in DECISIONS]
    assert rows == [
        (str(int(name[:4])), name, page.split("\n")[2].strip("*"), page.split("\n")[0].partition(". ")[2])
        for name, page in pages
    ]
    assert all(date.fromisoformat(row[2]) for row in rows)


def test_every_decision_is_named_by_the_code_it_governs() -> None:
    cited = set().union(*(cited_decisions(path.read_text("utf-8")) for path in code()))
    assert [path.name for path in DECISIONS if path.name[:4] not in cited] == []


def test_every_decision_that_is_named_exists() -> None:
    known = {path.name[:4] for path in DECISIONS}
    in_code = {path: cited_decisions(path.read_text("utf-8")) - known for path in code()}
    in_prose = {
        path: {number for number in cited_decisions(path.read_text("utf-8")) if number.zfill(4) not in known}
        for path in tracked("*.md")
    }
    assert {path: numbers for path, numbers in {**in_code, **in_prose}.items() if numbers} == {}


def test_a_link_to_a_decision_says_its_number() -> None:
    links = [link for path in tracked("*.md") for link in LINKED_DECISION.findall(path.read_text("utf-8"))]
    assert links
    assert [link for link in links if int(link[0]) != int(link[1])] == []


def test_every_contract_that_code_names_has_that_heading() -> None:
    known = {path.name: headings(path.read_text("utf-8")) for path in CONTRACTS}
    wrong = [
        f"{named(path)}: {name}{anchor}"
        for path in code()
        for name, anchor in CONTRACT.findall(path.read_text("utf-8"))
        if anchor[1:] not in known.get(name, set())
    ]
    assert wrong == []


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_every_part_of_a_contract_is_needed_by_code_and_dated(path: Path) -> None:
    page = path.read_text("utf-8")
    cited = {found for source in code() for found in CONTRACT.findall(source.read_text("utf-8"))}
    parts = headings(re.sub(r"^# .*$", "", page, count=1, flags=re.M))
    assert sorted(part for part in parts if (path.name, f"#{part}") not in cited) == []
    assert re.match(r"# .+\n\n\*Last \w+ on \d{4}-\d\d-\d\d\*", page)


def test_every_never_names_the_tests_that_hold_it() -> None:
    found = rules((ROOT / "ARCHITECTURE.md").read_text("utf-8"), "Never")
    assert len(found) >= 10
    assert [rule for rule in found if not PROOF.search(rule)] == []


def test_every_test_that_a_document_names_exists() -> None:
    assert [name for path in tracked("*.md") for name in missing_tests(path.read_text("utf-8"))] == []


PAGE = "# 7. A title\n\n*2026-11-26*\n\n**Decision.** Yes.\n\n**Held by**\n\n- `{proof}`\n"
HERE = "tests/source/test_traceability.py::test_what_is_wrong_is_found"


def test_what_is_wrong_is_found() -> None:
    good = PAGE.format(proof=HERE)
    assert flaws(good, "0007") == []
    for bad in (
        good.replace("*2026-11-26*\n\n", ""),
        good.replace("# 7.", "# 8."),
        good.replace("**Held by**", "**Checked by**"),
        good.replace("::test_what", "::test_how"),
        good.replace("test_traceability.py", "test_nowhere.py"),
    ):
        assert len(flaws(bad, "0007")) == 1, bad
    cited = cited_decisions("Decision 0051. See decisions 0050, 0052\nand 0054, not a decision of 2026.")
    assert cited == {"0050", "0051", "0052", "0054"}
    anchors = headings("# The Log's end\n```\n# not this\n```\n## E-mails and links")
    assert anchors == {"the-logs-end", "e-mails-and-links"}
    never = "\n## Never\n\n- One\n  more.\n- Two\n\n## Else\n\n- Three"
    assert rules(never, "Never") == ["One\n  more.\n", "Two\n"]
