"""Order is demanded exactly where it could be known."""

from ava_local.chaos import order

ANNA = "+49151100000001"


def posting(delivery, posted, acknowledged, position=0):
    return {"delivery": delivery, "position": position, "posted_at": posted, "acknowledged_at": acknowledged}


def oracle(*messages, answered="ba"):
    """Messages as (id, timestamp, postings), answered in the order of `answered`."""
    inbound = [
        {"id": name, "number": ANNA, "timestamp": timestamp, "postings": postings}
        for name, timestamp, postings in messages
    ]
    received = [{"answers": name, "seq": seq} for seq, name in enumerate(answered, start=1)]
    return {"inbound": inbound, "received": received}


def test_an_earlier_message_acknowledged_before_the_later_was_posted_goes_first():
    facts = [("a", 1, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert order.broken(oracle(*facts)) == [("a", "b")]
    assert order.broken(oracle(*facts, answered="ab")) == []


def test_deliveries_that_overlap_have_no_order():
    facts = [("a", 1, [posting(1, 0.0, 2.0)]), ("b", 2, [posting(2, 1.0, 3.0)])]
    assert order.broken(oracle(*facts)) == []


def test_a_later_arrival_with_an_earlier_timestamp_cannot_go_first():
    facts = [("a", 5, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert order.broken(oracle(*facts)) == []


def test_within_one_delivery_the_timestamp_decides_not_the_position():
    facts = [("a", 1, [posting(1, 0.0, 1.0, 9)]), ("b", 2, [posting(1, 0.0, 1.0, 3)])]
    assert order.broken(oracle(*facts)) == [("a", "b")]


def test_within_one_delivery_and_one_second_the_position_decides():
    facts = [("a", 1, [posting(1, 0.0, 1.0, 3)]), ("b", 1, [posting(1, 0.0, 1.0, 9)])]
    assert order.broken(oracle(*facts)) == [("a", "b")]
    assert order.broken(oracle(*facts, answered="ab")) == []


def test_a_duplicate_that_came_earlier_excuses():
    facts = [("a", 1, [posting(2, 2.0, 3.0)]), ("b", 2, [posting(1, 0.0, 1.0), posting(3, 4.0, 5.0)])]
    assert order.broken(oracle(*facts)) == []


def test_a_first_copy_counts_although_a_second_came_late():
    facts = [("a", 1, [posting(1, 0.0, 1.0), posting(9, 8.0, 9.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert order.broken(oracle(*facts)) == [("a", "b")]


def test_what_was_never_acknowledged_or_never_answered_has_no_order():
    never_told = [("a", 1, [posting(1, 0.0, None)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert order.broken(oracle(*never_told)) == []
    told = [("a", 1, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert order.broken(oracle(*told, answered="b")) == []


def test_the_first_answer_counts_when_there_are_two():
    facts = [("a", 1, [posting(1, 0.0, 1.0)]), ("b", 2, [posting(2, 2.0, 3.0)])]
    assert order.broken(oracle(*facts, answered="aba")) == []
