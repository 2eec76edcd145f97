"""Ask Have I Been Pwned, if configured, whether a password is known from a breach, without revealing it.

Decision 0066.
"""

import hashlib

import httpx

from ava_common.log import log

_PADDED = {"Add-Padding": "true"}  # so that the length of the response tells nothing


class PwnedPasswords:
    """The k-anonymous range search of Have I Been Pwned, or a copy of it; off without a URL.

    Only the first five characters of the password's SHA-1 are sent.
    Source: https://haveibeenpwned.com/API/v3#PwnedPasswords
    """

    def __init__(self, url: str | None, http: httpx.AsyncClient) -> None:
        self._url, self._http = url, http

    async def contains(self, password: str) -> bool:
        """Whether the password is in the collection; False also when the collection does not answer."""
        if not self._url:
            return False
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        try:
            response = await self._http.get(f"{self._url}/range/{digest[:5]}", headers=_PADDED)
            response.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("pwned_passwords.away", error=type(error).__name__)
            return False
        known = (line.strip().partition(":") for line in response.text.splitlines())
        return any(suffix == digest[5:] and count.strip("0 ") for suffix, _, count in known)
