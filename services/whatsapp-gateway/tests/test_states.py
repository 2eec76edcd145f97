"""States stand in one place: enum, diagrams, CHECK constraints, SQL and operator CLI say the same."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import ava_whatsapp_gateway
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.operator import actions
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.queue.retention import Kept
from ava_whatsapp_gateway.queue.states import Actor, EventState, SendState

from .state_watch import DRAWN, Transition, put_event, put_undelivered

PAGE = Path(__file__).parents[3] / "docs" / "states.md"
ARROW = re.compile(r"^ +(\S+) --> (\S+): ([a-z, ]+?)(?: \(.*\))?$", re.M)
ENUMS = {"events": EventState, "outbox": SendState}
TARGETS: dict[actions.Action, EventState] = {
    actions.replay: EventState.READY,
    actions.quarantine: EventState.QUARANTINED,
    actions.discard: EventState.DISCARDED,
    actions.resolve_sent: EventState.READY,
    actions.resolve_not_sent: EventState.READY,
}

WRITERS = {
    "whatsapp.resume": {Actor.STATUS, Actor.SENDER},
    "whatsapp.apply_statuses": {Actor.STATUS},
    "whatsapp.begin_send": {Actor.SENDER},
    "whatsapp.begin_send_2": {Actor.SENDER},
    "whatsapp.begin_send_4": {Actor.SENDER},
    "whatsapp.accepted": {Actor.SENDER},
    "whatsapp.pin": {Actor.HANDLER},
    "whatsapp.correct": {Actor.HANDLER},
    "whatsapp.finish_2": {Actor.HANDLER, Actor.LANE_RUNNER},
    "whatsapp.finish_3": {Actor.HANDLER, Actor.LANE_RUNNER},
    "whatsapp.discard_late_notice": {Actor.SENDER},
    "whatsapp.learn_alias": {Actor.SENDER},
    "whatsapp.accepted_2": {Actor.SENDER},
    "whatsapp.accepted_4": {Actor.SENDER},
    "whatsapp.not_called": {Actor.SENDER},
    "ava_private.whatsapp_link_changed": {Actor.LINK},
    "ava_private.hidden_number_link_changed": {Actor.LINK},
    "ava_whatsapp_gateway.contacts.rows": {Actor.INGEST},
    "ava_whatsapp_gateway.contacts.pin_sweep": {Actor.MAINTENANCE},
    "ava_whatsapp_gateway.outbox.store": {Actor.SENDER},
    "ava_whatsapp_gateway.operator.actions": {Actor.OPERATOR},
    "ava_whatsapp_gateway.operator.replay": {Actor.OPERATOR},
    "ava_whatsapp_gateway.queue.unknown_sends": {Actor.MAINTENANCE},
}
"""For whom each function of the database and each module changes a state."""

_COMPARED = re.compile(r"\bstate\s*(?:=|<>|(?:not )?in)\s*\(?((?:'\w+'(?:,\s*)?)+)")
"""The quoted words that a state is compared with, or becomes."""
_UPDATE = re.compile(
    r"update whatsapp\.(events|outbox)\b(?: as (\w+))?\s+set\b(.*?)(?=\bupdate whatsapp|;|\Z)", re.S
)
_WORD = re.compile(r"(?:\bstate =|\bthen|\belse) '(\w+)'")
_DELIVERY_STATES = {"new", "split", "quarantined"}


@pytest.mark.parametrize(("heading", "table"), [("Events", "events"), ("Sends", "outbox")])
def test_the_diagram_draws_every_transition_and_who_makes_it(heading: str, table: str) -> None:
    section = PAGE.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    arrows = ARROW.findall(section)
    assert len(arrows) == section.count("-->")
    drawn = {(_state(old), _state(new)): set(makers.split(", ")) for old, new, makers in arrows}
    assert drawn == {move: {str(maker) for maker in makers} for move, makers in DRAWN[table].items()}
    explained = set(re.findall(r"^- \*\*(\w+)\*\*:", section, re.M))
    assert explained == {*ENUMS[table]}


def _state(drawn: str) -> str | None:
    return None if drawn == "[*]" else drawn


@pytest.mark.parametrize("table", DRAWN)
def test_every_state_can_be_reached(table: str) -> None:
    assert {new for _, new in DRAWN[table]} - {None} == {*ENUMS[table]}


@pytest.mark.parametrize("table", DRAWN)
async def test_the_check_constraint_allows_the_same_states(database: Database, table: str) -> None:
    rows = await database.admin(
        "select pg_get_constraintdef(oid) as text from pg_constraint"
        " where contype = 'c' and conrelid = $1::text::regclass",
        f"whatsapp.{table}",
    )
    (check,) = (row["text"] for row in rows if "(state = ANY" in row["text"])
    assert set(re.findall(r"'(\w+)'", check)) == {*ENUMS[table]}


async def test_functions_of_the_database_write_only_what_is_drawn(database: Database) -> None:
    rows = await database.admin(
        "select p.oid::regproc::text as name, prosrc from pg_proc as p"
        " where pronamespace in ('whatsapp'::regnamespace, 'ava_private'::regnamespace)"
    )
    written = [(row["name"], transitions_written(row["prosrc"])) for row in rows]
    assert len(set().union(*(found for _, found in written))) >= 8, (
        "the functions are not read as they should be"
    )
    assert wrongly_written(written) == []
    assert {row["name"]: words for row in rows if (words := unknown_words(row["prosrc"]))} == {}


def test_our_own_statements_write_only_what_is_drawn() -> None:
    statements = dict(python_statements())
    written = [(name.rpartition(".")[0], transitions_written(text)) for name, text in statements.items()]
    assert len(set().union(*(found for _, found in written))) >= 8, (
        "the statements are not read as they should be"
    )
    assert wrongly_written(written) == []
    assert {name: words for name, text in statements.items() if (words := unknown_words(text))} == {}


def test_no_module_quotes_a_state_of_an_event_or_send() -> None:
    source = Path(ava_whatsapp_gateway.__file__).parent
    quoted = {
        (path.name, word)
        for path in source.rglob("*.py")
        for words in _COMPARED.findall(path.read_text("utf-8"))
        for word in re.findall(r"\w+", words)
        if word not in _DELIVERY_STATES
    }
    assert quoted == set()


@pytest.mark.parametrize("action", actions.ALLOWED_STATES, ids=lambda action: action.__name__)
async def test_an_operator_can_do_what_is_drawn_and_nothing_else(
    database: Database, action: actions.Action
) -> None:
    events = {state: await put_event(database, state) for state in EventState}
    await put_undelivered(database, events[EventState.DONE])
    connection = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        await actions.apply(connection, action, Filters())
        rows = await connection.fetch("select id, state from whatsapp.events")
    finally:
        await connection.close()
    after = {row["id"]: row["state"] for row in rows}
    changed = {old for old, event in events.items() if after[event] != old}
    assert {after[events[old]] for old in changed} == {TARGETS[action]}
    drawn = {
        old for (old, new), by in DRAWN["events"].items() if new is TARGETS[action] and Actor.OPERATOR in by
    }
    resolvable = {EventState.AWAITING, EventState.UNRESOLVED}
    assert changed == (drawn & resolvable if action.__name__.startswith("resolve") else drawn)


def transitions_written(sql: str) -> set[Transition]:
    """What this SQL writes, where both states are literals; parameters are seen when it runs."""
    found: set[Transition] = set()
    for table, alias, rest in _UPDATE.findall(sql):
        assigned, _, condition = rest.partition("where ")
        column = rf"(?<![\w.])(?:{alias}\.)state" if alias else r"(?<![\w.])state"
        required = re.search(rf"{column} (?:=|in) \(?((?:'\w+'(?:, )?)+)", condition)
        olds = re.findall(r"\w+", required[1]) if required else []
        found |= {(table, old, new) for new in _WORD.findall(assigned) for old in olds}
    return found


def wrongly_written(written: list[tuple[str, set[Transition]]]) -> list[tuple[str, Transition]]:
    """What is written for an actor that the diagram does not name at that transition."""
    return [
        (writer, (table, old, new))
        for writer, transitions in written
        for table, old, new in transitions
        if not WRITERS.get(writer, {"?"}) <= DRAWN[table].get((old, new), set())
    ]


def unknown_words(sql: str) -> set[str]:
    """Words that are compared with a state, or become one, and are none."""
    compared = _COMPARED.findall(sql)
    words = {word for words in compared for word in re.findall(r"\w+", words)}
    return words - {*EventState} - {*SendState} - _DELIVERY_STATES


def python_statements() -> Iterator[tuple[str, str]]:
    """The SQL of every module of the gateway, as it is sent."""
    for module in pkgutil.walk_packages(ava_whatsapp_gateway.__path__, "ava_whatsapp_gateway."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            texts = [value] if isinstance(value, str) else _texts(value)
            for text in texts:
                if "whatsapp." in text and not name.startswith("__"):
                    yield f"{module.name}.{name}", text


def _texts(value: object) -> list[str]:
    """The statements of each kind that retention deletes."""
    rows = value if isinstance(value, tuple) else ()
    return [text for row in rows if isinstance(row, Kept) for text in (row.delete, row.age)]
