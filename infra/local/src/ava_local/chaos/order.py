"""Whether answers came in the order in which the questions can be known to have come."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """One message that was answered: when it was said (s), where it travelled, when its answer came (seq)."""

    id: str
    timestamp: int
    postings: Sequence[Json]
    answered: int


def broken(oracle: Json) -> list[tuple[str, str]]:
    """Pairs of messages of one person (earlier, later) whose answers came the other way round.

    A pair counts when the earlier one's delivery was acknowledged before any other delivery with the later
    one was first posted (one delivery with both counts), and its timestamp is smaller, or equal and it stands
    first in the delivery they share.
    """
    people = _heard(oracle)
    pairs = (pair for heard in people.values() for pair in combinations(heard, 2))
    both_ways = ((a, b) for pair in pairs for a, b in (pair, pair[::-1]))
    return [(a.id, b.id) for a, b in both_ways if a.answered > b.answered and _must_precede(a, b)]


def _must_precede(a: Heard, b: Heard) -> bool:
    if a.timestamp > b.timestamp:
        return False
    first = min(
        (posting for posting in a.postings if posting["acknowledged_at"] is not None),
        key=lambda posting: float(posting["acknowledged_at"]),
        default=None,
    )
    if first is None:
        return False
    if a.timestamp == b.timestamp and not _stands_first(first, b):
        return False
    others = [posting for posting in b.postings if posting["delivery"] != first["delivery"]]
    return all(
        posting["posted_at"] > first["acknowledged_at"]
        for posting in others
        if posting["posted_at"] is not None
    )


def _stands_first(posting: Json, b: Heard) -> bool:
    shared = [other for other in b.postings if other["delivery"] == posting["delivery"]]
    return all(posting["position"] < other["position"] for other in shared)


def _heard(oracle: Json) -> Mapping[str, list[Heard]]:
    answered: dict[str, int] = {}
    for message in oracle["received"]:
        if message["answers"] is not None:
            answered.setdefault(message["answers"], message["seq"])
    people: defaultdict[str, list[Heard]] = defaultdict(list)
    for said in oracle["inbound"]:
        if said["id"] in answered:
            heard = Heard(said["id"], said["timestamp"], said["postings"], answered[said["id"]])
            people[said["number"]].append(heard)
    return people
