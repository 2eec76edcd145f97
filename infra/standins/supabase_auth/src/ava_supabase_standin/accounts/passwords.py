"""Password rules, and bcrypt in threads beside the event loop.

Decision 0020. See docs/contracts/supabase-auth.md#passwords.
"""

import asyncio
import secrets
import string
from concurrent.futures import ThreadPoolExecutor

import bcrypt

from ava_supabase_standin.errors import WeakPassword, validation_failed
from ava_supabase_standin.settings import Settings

MAX_BYTES = 72  # bcrypt ignores anything longer
COST = 10


class Hasher:
    """Two threads for bcrypt: it releases the interpreter lock, so the event loop stays responsive."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bcrypt")

    async def hash(self, password: str) -> str:
        """`$2a$10$…`, as Go writes it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _hash, password)

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password matches the hash; without a hash False at once, like GoTrue."""
        if not hashed:
            return False
        return await asyncio.get_running_loop().run_in_executor(self._threads, _matches, password, hashed)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def check_rules(password: str, settings: Settings) -> None:
    """Raise 400 if longer than 72 bytes, WeakPassword if it breaks a rule."""
    size = len(password.encode())
    if size > MAX_BYTES:
        raise validation_failed(f"Password cannot be longer than {MAX_BYTES} characters")
    problems = {}
    if size < settings.effective_min_password_length:
        problems["length"] = (
            f"Password should be at least {settings.effective_min_password_length} characters."
        )
    if any(not set(password) & set(wanted) for wanted in settings.required_characters):
        sets = ", ".join(settings.required_characters)
        problems["characters"] = f"Password should contain at least one character of each: {sets}."
    if problems:
        raise WeakPassword(" ".join(problems.values()), list(problems))


def weakness(password: str, settings: Settings) -> dict[str, object] | None:
    """What a login with a password that is now too weak gets besides its tokens."""
    try:
        check_rules(password, settings)
    except WeakPassword as weak:
        return {"message": weak.message, "reasons": weak.reasons}
    except Exception:
        return None
    return None


def is_bcrypt(text: str) -> bool:
    """Whether this is a password_hash the stand-in can check."""
    return text.startswith(("$2a$", "$2b$", "$2y$")) and len(text) == 60


def random_password() -> str:
    """For accounts created without one."""
    return "".join(
        secrets.choice(string.ascii_lowercase + string.ascii_uppercase + string.digits) for _ in range(64)
    )


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST, b"2a")).decode()


def _matches(password: str, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:MAX_BYTES], hashed.encode())
    except ValueError:
        return False
