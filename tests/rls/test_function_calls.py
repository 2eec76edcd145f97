"""Services name the parameters that they pass to SQL functions: all that are required, and none besides."""

import re

from ava_local.repository import ROOT

from .conftest import SeededDatabase

CALL = re.compile(r"\b((?:whatsapp|accounts|messaging|profile|ava_private)\.\w+)\(")
LIMITED = ("accounts", "profile")
PARAMETERS = """
select format('%s.%s', pronamespace::regnamespace, proname) as name,
  proargnames[:pronargs] as names, pronargs - pronargdefaults as required
from pg_proc
where pronamespace::regnamespace::text in ('whatsapp', 'accounts', 'messaging', 'profile', 'ava_private')
"""


def calls() -> list[tuple[str, list[str]]]:
    """Each call in the services' sources: the function, and what stands before each =>.

    The common library's limiter calls the same functions in the schema that a service names.
    """
    sources = sorted(ROOT.glob("services/*/src/**/*.py"))
    texts = [source.read_text(encoding="utf-8") for source in sources]
    limiter = (ROOT / "libs/common/src/ava_common/attempt_limiter.py").read_text(encoding="utf-8")
    texts += [limiter.replace("{schema}", schema) for schema in LIMITED]
    return [call for text in texts for call in calls_in(text)]


def calls_in(text: str) -> list[tuple[str, list[str]]]:
    return [
        (call[1], [one.partition("=>")[0].strip() for one in parameters(text[call.end() :]).split(",")])
        for call in CALL.finditer(text)
    ]


def parameters(text: str) -> str:
    """What is passed, up to the closing parenthesis, without what stands in parentheses of its own."""
    depth, kept = 1, ""
    for character in text:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if not depth:
            break
        kept += character if depth == 1 and character not in ")]" else ""
    return kept


async def test_every_call_names_the_parameters_of_its_function(seeded: SeededDatabase) -> None:
    functions = {row["name"]: row for row in await seeded.database.admin(PARAMETERS) if row["names"]}
    found = [(functions[name], passed) for name, passed in calls() if name in functions]
    assert len(found) >= 15, "the calls are not found as they should be"
    wrong = [
        (function["name"], passed)
        for function, passed in found
        if not {*function["names"][: function["required"]]} <= {*passed} <= {*function["names"]}
    ]
    assert wrong == []


def test_a_call_by_position_would_be_found() -> None:
    found = calls_in("select whatsapp.wake(array(select f($1, 2)), p_at_once => not ($2)), 3")
    assert found == [("whatsapp.wake", ["array", "p_at_once"])]
