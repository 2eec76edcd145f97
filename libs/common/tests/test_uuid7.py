"""Ids sort by the time they were made."""

from ava_common.uuid7 import uuid7


def test_ids_made_later_sort_later() -> None:
    made = [uuid7() for _ in range(5000)]
    assert len(set(made)) == len(made)
    assert all(one.version == 7 and one.variant == "specified in RFC 4122" for one in made)
    assert [one.int >> 64 for one in made] == sorted(one.int >> 64 for one in made)
