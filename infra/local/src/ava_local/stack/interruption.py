"""Ctrl-C while the stack is prepared.

Python forgets a KeyboardInterrupt that falls into a weakref's callback, which each import has.
"""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """Notes SIGINT beside raising KeyboardInterrupt, as long as it is entered."""

    def __init__(self) -> None:
        self.came = False

    def __enter__(self) -> Self:
        self._former = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._former)

    def _note(self, _: int, __: FrameType | None) -> None:
        self.came = True
        raise KeyboardInterrupt
