"""The judge sees every kind of damage; a judge that never convicts proves nothing."""

from dataclasses import replace

import pytest

from ava_local.chaos import verdict
from ava_local.chaos.facts import Facts, Letter, Row

ANNA, BERT = "+49151100000001", "+49151100000002"
OWNERS = {ANNA: "anna", BERT: "bert"}


def said(wamid, number, text):
    return {"id": wamid, "number": number, "text": text, "timestamp": 1, "postings": []}


def heard(wamid, number, text, seq):
    return {"number": number, "seq": seq, "id": f"echo-{wamid}-{seq}", "text": text, "answers": wamid}


def tried(outbox_id, with_status=True):
    return {"outbox_id": outbox_id, "with_status": with_status}


def turns(user, wamid, text):
    echo = Row(user, "whatsapp", "assistant", text, f"echo-{wamid}")
    return [Row(user, "whatsapp", "user", text, wamid), echo]


@pytest.fixture
def good():
    """Two messages, two echoes, four rows."""
    oracle = {
        "inbound": [said("a", ANNA, "from anna"), said("b", BERT, "from bert")],
        "received": [heard("a", ANNA, "from anna", 1), heard("b", BERT, "from bert", 1)],
        "sends": [tried("1"), tried("2")],
        "unknowns": {"with_status": [], "without_status": []},
    }
    rows = turns("anna", "a", "from anna") + turns("bert", "b", "from bert")
    letters = [Letter("1", "a", "accepted"), Letter("2", "b", "accepted")]
    return Facts(oracle, rows, letters, {}, OWNERS)


def with_oracle(facts, **changed):
    return replace(facts, oracle=facts.oracle | changed)


def unresolved(facts, *, injected, told=False):
    """Anna's echo: nobody knows."""
    without = ["1"] if injected else []
    oracle = facts.oracle | {
        "received": facts.oracle["received"][1:],
        "sends": [tried("1", told), tried("2")],
        "unknowns": {"with_status": [], "without_status": without},
    }
    letters = [Letter("1", "a", "unresolved"), *facts.letters[1:]]
    rows = [row for row in facts.rows if (row.user, row.role) != ("anna", "assistant")]
    return replace(facts, oracle=oracle, letters=letters, rows=rows)


def test_a_clean_run_has_nothing_wrong(good):
    counted = verdict.count(good)
    assert (counted.said, counted.echoed, counted.log_rows) == (2, 2, 4)
    assert counted.wrong() == {}


def test_a_message_without_an_echo_is_lost(good):
    assert verdict.count(with_oracle(good, received=good.oracle["received"][1:])).wrong() == {"lost": 1}


def test_a_second_echo_is_a_doubled_one(good):
    again = [*good.oracle["received"], heard("a", ANNA, "from anna", 2)]
    assert verdict.count(with_oracle(good, received=again)).wrong() == {"doubled_echoes": 1}


def test_an_answer_to_nothing_is_unasked_for(good):
    more = [*good.oracle["received"], heard(None, ANNA, "please link your number", 2)]
    assert verdict.count(with_oracle(good, received=more)).wrong() == {"answers_unasked_for": 1}


@pytest.mark.parametrize("at", [0, 1])
def test_a_row_twice_is_doubled_whatever_its_id(good, at):
    again = replace(good.rows[at], external_id="other")
    assert verdict.count(replace(good, rows=[*good.rows, again])).wrong() == {"doubled_rows": 1}


@pytest.mark.parametrize("at", range(4))
def test_a_turn_in_no_log_is_missing(good, at):
    rows = [row for n, row in enumerate(good.rows) if n != at]
    assert verdict.count(replace(good, rows=rows)).wrong() == {"rows_missing": 1}


def test_a_row_in_another_persons_log_is_seen(good):
    stray = Row("bert", "whatsapp", "user", "from anna", "a")
    assert verdict.count(replace(good, rows=[*good.rows, stray])).wrong() == {"rows_in_wrong_logs": 1}


def test_an_injected_unknown_that_stays_unresolved_is_as_it_should_be(good):
    counted = verdict.count(unresolved(good, injected=True))
    assert counted.wrong() == {}
    assert (counted.unresolved, counted.unresolved_injected, counted.cut_off) == (1, 1, 0)


def test_an_injected_unknown_that_was_taken_for_sent_or_failed_is_wrong(good):
    oracle = {"unknowns": {"with_status": [], "without_status": ["1"]}, "sends": [tried("1", False)]}
    assert verdict.count(with_oracle(good, **oracle)).wrong() == {"unresolved_missing": 1}


def test_a_call_that_a_kill_cut_off_is_counted_by_itself(good):
    counted = verdict.count(unresolved(good, injected=False))
    assert (counted.cut_off, counted.wrong()) == (1, {})


def test_unresolved_although_a_status_told_is_wrong(good):
    wrong = verdict.count(unresolved(good, injected=False, told=True)).wrong()
    assert wrong == {"unresolved_though_told": 1}


def test_events_that_never_ended_are_stuck(good):
    assert verdict.count(replace(good, stuck={"dead": 2, "held": 1, "unresolved": 5})).wrong() == {"stuck": 3}
