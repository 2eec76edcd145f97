"""Finds answers that came out of order although the order of their questions was knowable.

Decision 0030.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class AnsweredMessage:
    """An answered message: when it was sent (s), the webhooks that carried it, the seq of its answer."""

    id: str
    timestamp: int
    postings: Sequence[Json]
    answered: int


def out_of_order_pairs(oracle: Json) -> list[tuple[str, str]]:
    """Pairs of messages of one user (earlier, later) whose answers came the other way round.

    A pair counts when the earlier one's delivery was acknowledged before any other delivery with the later
    one was first posted (one delivery with both counts), and its timestamp is smaller, or equal and it comes
    first in the delivery they share.
    """
    by_number = _answered_messages(oracle)
    pairs = (pair for messages in by_number.values() for pair in combinations(messages, 2))
    both_ways = ((a, b) for pair in pairs for a, b in (pair, pair[::-1]))
    return [(a.id, b.id) for a, b in both_ways if a.answered > b.answered and _must_precede(a, b)]


def _must_precede(a: AnsweredMessage, b: AnsweredMessage) -> bool:
    if a.timestamp > b.timestamp:
        return False
    first = min(
        (posting for posting in a.postings if posting["acknowledged_at"] is not None),
        key=lambda posting: float(posting["acknowledged_at"]),
        default=None,
    )
    if first is None:
        return False
    if a.timestamp == b.timestamp and not _comes_first_in_delivery(first, b):
        return False
    others = [posting for posting in b.postings if posting["delivery"] != first["delivery"]]
    return all(
        posting["posted_at"] > first["acknowledged_at"]
        for posting in others
        if posting["posted_at"] is not None
    )


def _comes_first_in_delivery(posting: Json, b: AnsweredMessage) -> bool:
    shared = [other for other in b.postings if other["delivery"] == posting["delivery"]]
    return all(posting["position"] < other["position"] for other in shared)


def _answered_messages(oracle: Json) -> Mapping[str, list[AnsweredMessage]]:
    answered: dict[str, int] = {}
    for message in oracle["received"]:
        if message["answers"] is not None:
            answered.setdefault(message["answers"], message["seq"])
    by_number: defaultdict[str, list[AnsweredMessage]] = defaultdict(list)
    for sent in oracle["inbound"]:
        if sent["id"] in answered:
            message = AnsweredMessage(sent["id"], sent["timestamp"], sent["postings"], answered[sent["id"]])
            by_number[sent["number"]].append(message)
    return by_number
