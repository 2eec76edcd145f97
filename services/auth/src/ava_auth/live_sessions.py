"""Whether sessions still live, asked of Supabase Auth and remembered for seconds.

Decision 0111.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ava_auth.problems import AccountsAway
from ava_auth.supabase import SupabaseAuth
from ava_auth.user_and_session import User
from ava_common.attempt_limiter import TooManyAttempts
from ava_common.caller import Caller
from ava_common.expiring_cache import ExpiringCache
from ava_common.live_sessions import SessionsUnavailable

REMEMBERED_SECONDS = 5.0
CACHE_TOKENS = 10_000


class LiveSessions:
    """Asks for each token once in some seconds. What ends sessions here is known at once: `forget`."""

    def __init__(self, supabase: SupabaseAuth, clock: Callable[[], float] = time.monotonic) -> None:
        self._supabase = supabase
        self._users: ExpiringCache[bytes, User] = ExpiringCache(CACHE_TOKENS, clock)
        self._forgotten = 0

    async def user(self, caller: Caller) -> User:
        """The user of the caller's session.

        Raises SessionEnded, AccountGone, InvalidToken, TooManyAttempts or AccountsAway.
        """
        digest = hashlib.sha256(caller.token.encode()).digest()
        if known := self._users.get(digest):
            return known
        before = self._forgotten
        user = await self._supabase.user(caller.token)
        if before == self._forgotten:  # else a session ended while we asked, perhaps this one
            self._users.put(digest, user, REMEMBERED_SECONDS)
        return user

    async def require_live(self, caller: Caller) -> None:
        try:
            await self.user(caller)
        except (AccountsAway, TooManyAttempts):
            raise SessionsUnavailable from None

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Around what ends sessions: forget them also when nobody can say whether it has."""
        try:
            yield
        finally:
            self.forget()

    def forget(self) -> None:
        """Ask anew about every session, because some have ended; they are few and it is cheap."""
        self._forgotten += 1
        self._users.clear()
