"""The password policy: length, bytes, common passwords, keyboard patterns, one's own e-mail address.

Decision 0066. See docs/contracts/supabase-auth.md#passwords.
"""

import re
import unicodedata
from importlib.resources import files
from itertools import pairwise

MIN_CHARACTERS = 8  # NIST SP 800-63B
MAX_BYTES = 72  # bcrypt reads no further

_ROWS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890"),
    *("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("qwertzuiop", "yxcvbnm"),
)
_RUNS = _ROWS + tuple(row[::-1] for row in _ROWS)
_UNDISGUISE = str.maketrans("0134578@$!|", "oleastbasil")
_COMMON = frozenset(files("ava_auth").joinpath("common_passwords.txt").read_text("utf-8").split())


def violations(password: str, email: str | None = None) -> list[str]:
    """What is wrong with this password, as clauses to follow "This password cannot be used:".

    Compatibility forms, such as full-width digits, are judged as what they stand for (NIST SP 800-63B).
    """
    lowered = unicodedata.normalize("NFKC", password).casefold()
    found = [
        (len(password) < MIN_CHARACTERS, f"it needs at least {MIN_CHARACTERS} characters"),
        (len(password.encode("utf-8", "replace")) > MAX_BYTES, f"it may have at most {MAX_BYTES} bytes"),
        (not password.isprintable(), "it contains a character that cannot be typed everywhere"),
        (_is_common(lowered), "it is one of the most common passwords"),
        (_is_pattern(lowered), "it is a keyboard pattern or repeats itself"),
        (bool(email) and _is_own(lowered, (email or "").casefold()), "it is your e-mail address"),
    ]
    return [words for applies, words in found if applies]


def _is_common(lowered: str) -> bool:
    """Known by itself, behind 1337 spelling, or once digits and signs at its ends are taken off."""
    inner = re.sub(r"^[\W_]+|[\W_]+$", "", lowered)
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lowered)
    spellings = {lowered, inner, bare, lowered.translate(_UNDISGUISE), bare.translate(_UNDISGUISE)}
    decoration = len(lowered) - max(len(bare), 6)
    return decoration < 7 and not _COMMON.isdisjoint(spellings)


def _is_pattern(lowered: str) -> bool:
    if re.fullmatch(r"(.{1,16}?)\1+.{0,3}", lowered, re.S):
        return True
    steps = pairwise(lowered)
    broken = sum(not any(pair in run for run in _RUNS) for pair in map("".join, steps))
    return broken * 4 < len(lowered) - 1  # fewer than one break in four steps


def _is_own(lowered: str, email: str) -> bool:
    name, _, domain = email.partition("@")
    parts = {email, name, email.replace("@", ""), domain, domain.partition(".")[0]}
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lowered)
    return not parts.isdisjoint({lowered, bare} - {""})
