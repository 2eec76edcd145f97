"""Back-off: Meta's powers of four, with jitter, bounded, never below Retry-After."""

from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.queue import backoff


@given(st.integers(0, 10_000))
def test_waits_grow_by_powers_of_four_with_jitter_up_to_a_limit(attempt: int) -> None:
    wait = backoff.seconds(attempt)
    meant = min(256, 4 ** min(attempt, 16))
    assert 0.75 * meant <= wait <= 1.25 * meant


def test_retry_after_is_honoured() -> None:
    assert backoff.seconds(0, retry_after=40) == 40


def test_retries_of_many_events_do_not_coincide() -> None:
    assert len({backoff.seconds(3) for _ in range(50)}) > 40
