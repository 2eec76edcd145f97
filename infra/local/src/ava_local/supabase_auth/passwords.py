"""Password rules and bcrypt, kept off the event loop."""

import asyncio
import secrets
import string
from concurrent.futures import ThreadPoolExecutor

import bcrypt

from ava_local.supabase_auth.errors import WeakPassword, invalid
from ava_local.supabase_auth.settings import Settings

LONGEST = 72  # bytes: bcrypt reads no further
COST = 10


class Hasher:
    """Two threads for bcrypt: it releases the interpreter lock, so the loop keeps answering meanwhile."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bcrypt")

    async def hash(self, password: str) -> str:
        """`$2a$10$…`, as Go writes it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _hash, password)

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password made this hash; no hash matches nothing, in no time, like the original."""
        if not hashed:
            return False
        return await asyncio.get_running_loop().run_in_executor(self._threads, _matches, password, hashed)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def judge(password: str, settings: Settings) -> None:
    """Raise 400 when longer than 72 bytes, WeakPassword when it breaks a rule."""
    size = len(password.encode())
    if size > LONGEST:
        raise invalid(f"Password cannot be longer than {LONGEST} characters")
    flaws = {}
    if size < settings.shortest_password:
        flaws["length"] = f"Password should be at least {settings.shortest_password} characters."
    if any(not set(password) & set(wanted) for wanted in settings.required_characters):
        sets = ", ".join(settings.required_characters)
        flaws["characters"] = f"Password should contain at least one character of each: {sets}."
    if flaws:
        raise WeakPassword(" ".join(flaws.values()), list(flaws))


def weakness(password: str, settings: Settings) -> dict[str, object] | None:
    """What a login with a now too weak password is told beside its tokens."""
    try:
        judge(password, settings)
    except WeakPassword as flaw:
        return {"message": flaw.message, "reasons": flaw.reasons}
    except Exception:
        return None
    return None


def is_bcrypt(text: str) -> bool:
    """Whether an administrator's password_hash is one that this stand-in can check."""
    return text.startswith(("$2a$", "$2b$", "$2y$")) and len(text) == 60


def random_password() -> str:
    """For accounts that are made without one."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(64))


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST, b"2a")).decode()


def _matches(password: str, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:LONGEST], hashed.encode())
    except ValueError:
        return False
