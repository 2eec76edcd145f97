"""Every kind of damage is counted under its own name, and a clean run counts none."""

from dataclasses import replace

import pytest

from chaos import invariants
from chaos.answer_order import Json
from chaos.observations import MessageRow, Observations, OutboxRow

ANNA, BERT = "+49151100000001", "+49151100000002"
OWNERS = {"from anna": frozenset(["anna"]), "from bert": frozenset(["bert"])}


def inbound(wamid: str, number: str, text: str) -> Json:
    return {"id": wamid, "number": number, "text": text, "timestamp": 1, "postings": []}


def received_echo(wamid: str | None, number: str, text: str, seq: int) -> Json:
    return {"number": number, "seq": seq, "id": f"echo-{wamid}-{seq}", "text": text, "answers": wamid}


def send(outbox_id: str, with_status: bool = True) -> Json:
    return {"outbox_id": outbox_id, "with_status": with_status}


def logged(user: str, wamid: str, text: str) -> list[MessageRow]:
    echo = MessageRow(user, "whatsapp", "assistant", text, f"echo-{wamid}")
    return [MessageRow(user, "whatsapp", "user", text, wamid), echo]


@pytest.fixture
def good() -> Observations:
    """Two messages, two echoes, four rows."""
    oracle = {
        "inbound": [inbound("a", ANNA, "from anna"), inbound("b", BERT, "from bert")],
        "received": [received_echo("a", ANNA, "from anna", 1), received_echo("b", BERT, "from bert", 1)],
        "sends": [send("1"), send("2")],
        "unknowns": {"with_status": [], "without_status": []},
    }
    rows = logged("anna", "a", "from anna") + logged("bert", "b", "from bert")
    outbox_rows = [OutboxRow("1", "a", "accepted"), OutboxRow("2", "b", "accepted")]
    return Observations(oracle, rows, outbox_rows, {}, OWNERS)


def with_oracle(observed: Observations, **changed: object) -> Observations:
    return replace(observed, oracle=observed.oracle | changed)


def unresolved(observed: Observations, *, injected: bool, reported: bool = False) -> Observations:
    """It is unknown whether Anna's echo was sent."""
    without = ["1"] if injected else []
    oracle = observed.oracle | {
        "received": observed.oracle["received"][1:],
        "sends": [send("1", reported), send("2")],
        "unknowns": {"with_status": [], "without_status": without},
    }
    outbox_rows = [OutboxRow("1", "a", "unresolved"), *observed.outbox_rows[1:]]
    rows = [row for row in observed.rows if (row.user, row.role) != ("anna", "assistant")]
    return replace(observed, oracle=oracle, outbox_rows=outbox_rows, rows=rows)


def test_a_clean_run_has_nothing_wrong(good: Observations) -> None:
    counted = invariants.count_violations(good)
    assert (counted.sent, counted.echoed, counted.log_rows) == (2, 2, 4)
    assert counted.violations() == {}


def test_a_message_without_an_echo_is_lost(good: Observations) -> None:
    assert invariants.count_violations(
        with_oracle(good, received=good.oracle["received"][1:])
    ).violations() == {"lost": 1}


def test_a_second_echo_is_a_duplicate(good: Observations) -> None:
    again = [*good.oracle["received"], received_echo("a", ANNA, "from anna", 2)]
    assert invariants.count_violations(with_oracle(good, received=again)).violations() == {
        "duplicate_echoes": 1
    }


def test_an_answer_to_nothing_is_unexpected(good: Observations) -> None:
    more = [*good.oracle["received"], received_echo(None, ANNA, "please link your number", 2)]
    assert invariants.count_violations(with_oracle(good, received=more)).violations() == {
        "unexpected_answers": 1
    }


@pytest.mark.parametrize("at", [0, 1])
def test_a_row_twice_is_a_duplicate_whatever_its_id(good: Observations, at: int) -> None:
    again = replace(good.rows[at], external_id="other")
    assert invariants.count_violations(replace(good, rows=[*good.rows, again])).violations() == {
        "duplicate_rows": 1
    }


@pytest.mark.parametrize("at", range(4))
def test_a_turn_in_no_log_is_missing(good: Observations, at: int) -> None:
    rows = [row for n, row in enumerate(good.rows) if n != at]
    assert invariants.count_violations(replace(good, rows=rows)).violations() == {"missing_rows": 1}


def test_a_row_in_another_users_log_is_seen(good: Observations) -> None:
    stray = MessageRow("bert", "whatsapp", "user", "from anna", "a")
    assert invariants.count_violations(replace(good, rows=[*good.rows, stray])).violations() == {
        "rows_of_other_users": 1
    }


def test_a_number_that_was_handed_over_is_read_by_its_heir_alone(good: Observations) -> None:
    heirs = [replace(row, user="heir") if row.user == "anna" else row for row in good.rows]
    either = OWNERS | {"from anna": frozenset(["anna", "heir"])}
    for rows in (good.rows, heirs):
        counted = invariants.count_violations(replace(good, rows=rows, owners=either))
        assert counted.violations() == {}
    later = replace(good, owners=OWNERS | {"from anna": frozenset(["heir"])})
    assert invariants.count_violations(later).violations() == {"missing_rows": 2, "rows_of_other_users": 2}
    assert invariants.count_violations(replace(later, rows=heirs)).violations() == {}


def test_an_answer_to_a_number_that_was_just_given_up_reaches_no_phone(good: Observations) -> None:
    rows = [replace(good.outbox_rows[0], undeliverable=True), *good.outbox_rows[1:]]
    unanswered = with_oracle(replace(good, outbox_rows=rows), received=good.oracle["received"][1:])
    moved = replace(unanswered, given_up=frozenset([ANNA]))
    assert invariants.count_violations(moved).violations() == {}
    assert invariants.count_violations(unanswered).violations() == {"lost": 1}
    delivered = replace(moved, outbox_rows=good.outbox_rows)
    assert invariants.count_violations(delivered).violations() == {"lost": 1}


def test_how_to_link_is_no_answer_and_excuses_none(good: Observations) -> None:
    notice = {**received_echo(None, ANNA, "how to link", 2), "outbox_id": "3"}
    rows = [*good.outbox_rows, OutboxRow("3", "a", "unresolved", "notice")]
    more = {
        "received": [*good.oracle["received"], notice],
        "sends": [*good.oracle["sends"], send("3", False)],
    }
    observed = replace(with_oracle(good, **more), outbox_rows=rows)
    assert invariants.count_violations(observed).violations() == {}
    unanswered = with_oracle(observed, received=[*good.oracle["received"][1:], notice])
    assert invariants.count_violations(unanswered).violations() == {"lost": 1}


def test_an_injected_unknown_that_stays_unresolved_is_as_it_should_be(good: Observations) -> None:
    counted = invariants.count_violations(unresolved(good, injected=True))
    assert counted.violations() == {}
    assert (counted.unresolved, counted.unresolved_injected, counted.interrupted_sends) == (1, 1, 0)


def test_an_injected_unknown_that_was_taken_for_sent_or_failed_is_wrong(good: Observations) -> None:
    oracle = {"unknowns": {"with_status": [], "without_status": ["1"]}, "sends": [send("1", False)]}
    assert invariants.count_violations(with_oracle(good, **oracle)).violations() == {
        "unresolved_unreported": 1
    }


def test_a_call_that_was_seen_on_the_wire_may_stay_unresolved(good: Observations) -> None:
    """It was refused, and the answer did not arrive."""
    counted = invariants.count_violations(unresolved(good, injected=False))
    assert (counted.interrupted_sends, counted.seen_refused, counted.violations()) == (1, 1, {})


def never_seen(observed: Observations, **oracle: object) -> Observations:
    return with_oracle(unresolved(observed, injected=False), sends=[send("2")], **oracle)


def test_a_call_that_a_kill_interrupted_may_stay_unresolved(good: Observations) -> None:
    killed = replace(never_seen(good), begun_at_kills=frozenset(["1", "2"]))
    counted = invariants.count_violations(killed)
    assert (counted.interrupted_sends, counted.begun_at_kills, counted.violations()) == (1, 1, {})


def test_a_call_that_arrived_in_part_may_stay_unresolved(good: Observations) -> None:
    assert invariants.count_violations(never_seen(good, cut_off=1)).violations() == {}


def test_a_call_that_nobody_saw_and_no_kill_interrupted_was_never_made(good: Observations) -> None:
    elsewhere = replace(never_seen(good), begun_at_kills=frozenset(["2"]))
    assert invariants.count_violations(elsewhere).violations() == {"unexplained_sends": 1}


def test_unresolved_despite_a_status_is_wrong(good: Observations) -> None:
    wrong = invariants.count_violations(unresolved(good, injected=False, reported=True)).violations()
    assert wrong == {"unresolved_despite_status": 1}


def test_events_that_never_ended_are_unfinished(good: Observations) -> None:
    assert invariants.count_violations(
        replace(good, unfinished_events={"dead": 2, "held": 1, "unresolved": 5})
    ).violations() == {"unfinished": 3}
