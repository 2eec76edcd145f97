"""asyncpg's pool, without its price for each use: a connection in steady use stays at hand.

Decision 0163.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from ava_common.database_errors import DatabaseUnavailable, translated

if TYPE_CHECKING:
    _AsyncpgPool = asyncpg.Pool[asyncpg.Record]
    _Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:
    _AsyncpgPool = asyncpg.Pool

IDLE_SECONDS = 1.0
"""A connection that nobody has used for this long goes back to asyncpg, which closes it after a while."""

LOOK_SECONDS = 0.25
"""So often the pool looks for what lies idle and for who has waited too long, while there is any."""

USES_MAX = 1000
"""So often a connection is used before asyncpg sees it again, which closes it after so many statements."""


@dataclass(slots=True, eq=False)
class _AtHand:
    """A connection that has been acquired from asyncpg."""

    connection: "_Connection"
    round: int
    uses: int = 0
    used_at: float = 0.0

    def is_closed(self) -> bool:
        try:
            return self.connection.is_closed()
        except asyncpg.InterfaceError:  # asyncpg has taken it back by itself
            return True


_Waiting: TypeAlias = "tuple[asyncio.Future[_AtHand | None], float]"
"""And until when."""


@dataclass(slots=True, eq=False)
class _Use:
    """`async with`: a connection, or DatabaseUnavailable for whatever reason there is none."""

    pool: "ConnectionPool"
    used: _AtHand | None = None

    async def __aenter__(self) -> "_Connection":
        """Whatever fails has not asked anything of the database yet."""
        pool = self.pool
        if pool.at_hand:
            found: _AtHand | None = pool.at_hand.pop()
        elif pool.not_acquired:
            pool.not_acquired -= 1
            found = None
        else:
            found = await pool.waited_for()
        self.used = found if found and not found.is_closed() else await pool.acquired(found)
        return self.used.connection

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        used, pool = self.used, self.pool
        assert used is not None  # noqa: S101 - it was entered
        used.uses += 1
        was_enough = used.uses >= USES_MAX or used.round != pool.round
        if error or was_enough or used.is_closed() or used.connection.is_in_transaction():
            await pool.give_up(used)
        else:
            used.used_at = pool.loop.time()
            pool.hand_on(used)
        if isinstance(error, Exception):
            raise translated(error) from None


class ConnectionPool(_AsyncpgPool):
    """Raises DatabaseUnavailable and nothing else when the database is away: every method uses `acquire`.

    What asyncpg does for each use (a task, timers, a look at the session) it does here now and then only.
    """

    def __init__(self, url: str, *, max_size: int, wait_seconds: float, **options: Any) -> None:
        super().__init__(url, timeout=wait_seconds, max_size=max_size, **options)
        self._wait_seconds, self.loop = wait_seconds, asyncio.get_running_loop()
        self.at_hand: list[_AtHand] = []
        """The last used at the end, which is the next."""
        self.not_acquired, self.round = max_size, 0
        self._waiting: deque[_Waiting] = deque()
        self._next_look: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    def acquire(self) -> _Use:  # type: ignore[override]
        return _Use(self)

    async def waited_for(self) -> _AtHand | None:
        """What is handed on; None is the permission to acquire a connection."""
        waiting: _Waiting = self.loop.create_future(), self.loop.time() + self._wait_seconds
        self._waiting.append(waiting)
        self._look_later()
        try:
            return await waiting[0]
        except TimeoutError as error:
            raise DatabaseUnavailable(error) from error
        except asyncio.CancelledError:
            if waiting[0].done() and not waiting[0].cancelled():
                self.hand_on(waiting[0].result())
            raise

    async def acquired(self, closed: _AtHand | None) -> _AtHand:
        """A connection of asyncpg's, in place of one that was closed."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                if closed:
                    await self.release(closed.connection)
                return _AtHand(await super().acquire(), self.round)
        except BaseException as error:
            self.hand_on(None)
            if isinstance(error, Exception):
                raise DatabaseUnavailable(error) from error
            raise

    async def give_up(self, used: _AtHand) -> None:
        """To asyncpg, which looks whether it is sound."""
        try:
            await self.release(used.connection)
        finally:
            self.hand_on(None)

    def hand_on(self, found: _AtHand | None) -> None:
        """To who has waited longest."""
        while self._waiting:
            waiting, _ = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(found)
                return
        if found is None:
            self.not_acquired += 1
        else:
            self.at_hand.append(found)
            self._look_later()

    def _look_later(self) -> None:
        if self._next_look is None:
            self._next_look = self.loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """One timer for all: who has waited too long is told so, and what lies idle goes back to asyncpg."""
        self._next_look, now = None, self.loop.time()
        while self._waiting and (self._waiting[0][0].done() or self._waiting[0][1] <= now):
            waiting, _ = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(TimeoutError())
        self._let_go(now - IDLE_SECONDS)
        if self._waiting or self.at_hand:
            self._look_later()

    def _let_go(self, since: float) -> None:
        """Gives asyncpg those that nobody has used since then."""
        left = [one for one in self.at_hand if one.used_at <= since]
        self.at_hand = [one for one in self.at_hand if one.used_at > since]
        for one in left:
            leaving = self.loop.create_task(self.give_up(one))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def expire_connections(self) -> None:
        """Connections of before are not used again."""
        await self._keep_none()
        await super().expire_connections()

    async def close(self) -> None:
        """Once those that use a connection have given it back."""
        await self._keep_none()
        await super().close()
        if self._next_look:
            self._next_look.cancel()

    async def _keep_none(self) -> None:
        self.round += 1
        self._let_go(self.loop.time())
        await asyncio.gather(*self._leaving, return_exceptions=True)
