"""Answers must come in order exactly where the order of their questions was knowable."""

from chaos import answer_order
from chaos.answer_order import Json

ANNA = "+49151100000001"


def posting(delivery: int, posted: float, acknowledged: float | None, position: int = 0) -> Json:
    return {"delivery": delivery, "position": position, "posted_at": posted, "acknowledged_at": acknowledged}


def oracle(*messages: tuple[str, int, list[Json]], answered: str = "ba") -> Json:
    """Messages as (id, timestamp, postings), answered in the order of `answered`."""
    inbound = [
        {"id": name, "number": ANNA, "timestamp": timestamp, "postings": postings}
        for name, timestamp, postings in messages
    ]
    received = [{"answers": name, "seq": seq} for seq, name in enumerate(answered, start=1)]
    return {"inbound": inbound, "received": received}


def test_an_earlier_message_acknowledged_before_the_later_was_posted_goes_first() -> None:
    messages = [("a", 1, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert answer_order.out_of_order_pairs(oracle(*messages)) == [("a", "b")]
    assert answer_order.out_of_order_pairs(oracle(*messages, answered="ab")) == []


def test_deliveries_that_overlap_have_no_order() -> None:
    messages = [("a", 1, [posting(1, 0.0, 2.0)]), ("b", 2, [posting(2, 1.0, 3.0)])]
    assert answer_order.out_of_order_pairs(oracle(*messages)) == []


def test_a_later_arrival_with_an_earlier_timestamp_cannot_go_first() -> None:
    messages = [("a", 5, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert answer_order.out_of_order_pairs(oracle(*messages)) == []


def test_within_one_delivery_the_timestamp_decides_not_the_position() -> None:
    messages = [("a", 1, [posting(1, 0.0, 1.0, 9)]), ("b", 2, [posting(1, 0.0, 1.0, 3)])]
    assert answer_order.out_of_order_pairs(oracle(*messages)) == [("a", "b")]


def test_within_one_delivery_and_one_second_the_position_decides() -> None:
    messages = [("a", 1, [posting(1, 0.0, 1.0, 3)]), ("b", 1, [posting(1, 0.0, 1.0, 9)])]
    assert answer_order.out_of_order_pairs(oracle(*messages)) == [("a", "b")]
    assert answer_order.out_of_order_pairs(oracle(*messages, answered="ab")) == []


def test_a_duplicate_that_came_earlier_excuses() -> None:
    messages = [("a", 1, [posting(2, 2.0, 3.0)]), ("b", 2, [posting(1, 0.0, 1.0), posting(3, 4.0, 5.0)])]
    assert answer_order.out_of_order_pairs(oracle(*messages)) == []


def test_a_first_copy_counts_although_a_second_came_late() -> None:
    messages = [("a", 1, [posting(1, 0.0, 1.0), posting(9, 8.0, 9.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert answer_order.out_of_order_pairs(oracle(*messages)) == [("a", "b")]


def test_what_was_never_acknowledged_or_never_answered_has_no_order() -> None:
    never_acknowledged = [("a", 1, [posting(1, 0.0, None)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert answer_order.out_of_order_pairs(oracle(*never_acknowledged)) == []
    acknowledged = [("a", 1, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert answer_order.out_of_order_pairs(oracle(*acknowledged, answered="b")) == []


def test_the_first_answer_counts_when_there_are_two() -> None:
    messages = [("a", 1, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert answer_order.out_of_order_pairs(oracle(*messages, answered="aba")) == []
