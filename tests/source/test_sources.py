"""What holds of every source file: its size, its first sentence, its words."""

import ast
import re
from pathlib import Path

import pytest
from source.repository_files import ROOT, named, tracked

LONGEST_MODULE, LONGEST_TEST = 200, 300  # lines
LONG_FUNCTION = {  # lines; nine in ten of the package are at most that long
    "ava_auth": 13,
    "ava_common": 14,
    "ava_local": 16,
    "ava_messaging": 14,
    "ava_profile": 17,
    "ava_supabase_standin": 17,
    "ava_whatsapp_gateway": 17,
    "ava_whatsapp_simulator": 13,
}
NAMELESS = {"utils", "helpers", "misc", "base", "core", "manager", "models", "constants", "common"}
PACKAGES = sorted(path for path in ROOT.glob("*/**/src/*") if path.is_dir() and path.name.startswith("ava_"))

# The words of the first version's metaphors, also as parts of identifiers, spelt so that this file has none.
FORMER_WORDS = re.compile(
    r"(?<![A-Za-z])([Rr][o]om|R[O]OM|[Hh][o]use|H[O]USE|[Hh][a]llway|[Dd][e]sk|D[E]SK|[Ll][e]tter|L[E]TTER)[sS]?(?![a-z])"
)
MAY_STAND = re.compile(r"ro[o]m-(away|slow)|WHATSAPP_GATEWAY_RO[O]M_[A-Z_]+")
# Turns of phrase that stop a native reader.
ODD_PHRASES = re.compile(
    r"(?i)\b(who[e]ver|some[b]ody|any[b]ody|men[d](s|ed)?|(?<!ahead )of ou[r]s)\b"
    r"|(?<!there )\bis n[o] (?!longer|more)[a-z]"
)
WHERE_THEY_MAY_STAND = re.compile(
    r"CHANGELOG\.md|supabase/migrations/2026112200\d+_\w+\.sql|tests/rls/releases/0\.1\.0\.sql|docs/decisions/00[0-8]\d-.*|docs/decisions/README\.md"
)


def is_test(path: Path) -> bool:
    return "tests" in path.relative_to(ROOT).parts


def test_no_module_is_too_long_to_be_read_in_one_breath() -> None:
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in tracked("*.py")}
    limits = {path: LONGEST_TEST if is_test(path) else LONGEST_MODULE for path in lines}
    assert [f"{named(path)}: {lines[path]}" for path in lines if lines[path] > limits[path]] == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_nine_in_ten_functions_are_short(package: Path) -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for module in package.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert sorted(lengths)[len(lengths) * 9 // 10] <= LONG_FUNCTION[package.name]


def test_every_module_opens_with_a_sentence() -> None:
    silent = [
        named(path)
        for path in tracked("*.py")
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_every_module_is_named_after_something() -> None:
    assert [named(path) for path in tracked("*.py") if path.stem.removeprefix("test_") in NAMELESS] == []


def test_the_former_words_are_gone() -> None:
    assert found(FORMER_WORDS, but=MAY_STAND) == []


def test_the_english_is_plain() -> None:
    assert found(ODD_PHRASES) == []


@pytest.mark.parametrize(
    "line", ["This is n" + "o URL", "Who" + "ever holds it", "men" + "d it", "a client of ou" + "rs"]
)
def test_an_odd_phrase_would_be_found(line: str) -> None:
    assert ODD_PHRASES.search(line)


def found(words: re.Pattern[str], but: re.Pattern[str] = re.compile(r"(?!)")) -> list[str]:
    """Where the words stand, in text and in names of files."""
    return [
        f"{named(path)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        if not WHERE_THEY_MAY_STAND.fullmatch(named(path))
        for number, line in enumerate([named(path), *_lines(path)])
        if words.search(but.sub("", line))
    ]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:  # a picture
        return []
