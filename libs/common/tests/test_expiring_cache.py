"""The cache is bounded, and each value expires at its own time."""

import pytest

from ava_common.expiring_cache import ExpiringCache
from ava_local.testing.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def cache(clock: Clock) -> ExpiringCache[str, int]:
    return ExpiringCache(3, clock)


def test_a_value_is_there_until_its_own_time_and_not_at_it(
    cache: ExpiringCache[str, int], clock: Clock
) -> None:
    cache.put("short", 1, seconds=5)
    cache.put("long", 2, seconds=60)
    clock.now += 4.9
    assert (cache.get("short"), cache.get("long")) == (1, 2)
    clock.now = 1005.0
    assert (cache.get("short"), cache.get("long")) == (None, 2)


def test_a_value_without_time_left_is_never_given_out(cache: ExpiringCache[str, int]) -> None:
    cache.put("expired", 1, seconds=0)
    cache.put("long expired", 2, seconds=-10)
    assert (cache.get("expired"), cache.get("long expired")) == (None, None)


def test_an_expired_value_that_was_asked_for_leaves_its_place_to_another(
    cache: ExpiringCache[str, int], clock: Clock
) -> None:
    cache.put("a", 0, seconds=60)
    cache.put("b", 1, seconds=5)
    cache.put("c", 2, seconds=60)
    clock.now += 5
    assert cache.get("b") is None
    cache.put("d", 3, seconds=60)
    assert [cache.get(name) for name in "acd"] == [0, 2, 3]


def test_a_full_cache_drops_what_was_put_in_longest_ago(cache: ExpiringCache[str, int]) -> None:
    for number, name in enumerate("abc"):
        cache.put(name, number, seconds=60)
    assert cache.get("a") == 0  # being read does not make it younger
    cache.put("d", 3, seconds=60)
    assert [cache.get(name) for name in "abcd"] == [None, 1, 2, 3]


def test_a_value_that_is_put_in_again_is_replaced_lives_anew_and_drops_no_other(
    cache: ExpiringCache[str, int], clock: Clock
) -> None:
    for number, name in enumerate("abc"):
        cache.put(name, number, seconds=60)
    clock.now += 30
    cache.put("b", 9, seconds=60)
    assert [cache.get(name) for name in "abc"] == [0, 9, 2]
    cache.put("d", 3, seconds=60)
    cache.put("e", 4, seconds=60)
    assert [cache.get(name) for name in "abcde"] == [None, 9, None, 3, 4]
    clock.now += 59
    assert cache.get("b") == 9


def test_one_value_can_be_discarded_or_all_of_them(cache: ExpiringCache[str, int]) -> None:
    cache.put("a", 1, seconds=60)
    cache.put("b", 2, seconds=60)
    cache.discard("a")
    cache.discard("never there")
    assert (cache.get("a"), cache.get("b")) == (None, 2)
    cache.clear()
    assert cache.get("b") is None
