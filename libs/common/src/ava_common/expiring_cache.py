"""A bounded cache whose values each expire at a time of their own."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """At most `size` values; when it is full, the one that was put in longest ago is dropped."""

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = size, clock
        self._entries: dict[K, tuple[V, float]] = {}

    def get(self, key: K) -> V | None:
        """The value; None when there is none or it has expired."""
        if (entry := self._entries.get(key)) is None:
            return None
        value, expires_at = entry
        if self._clock() < expires_at:
            return value
        del self._entries[key]
        return None

    def put(self, key: K, value: V, seconds: float) -> None:
        """Keep the value for that long; one that was there under this key is replaced."""
        self._entries.pop(key, None)
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = value, self._clock() + seconds

    def discard(self, key: K) -> None:
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()
