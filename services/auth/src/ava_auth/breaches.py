"""Ask, if the house wants it, whether a password is known from a breach, without telling which one."""

import hashlib

import httpx

from ava_common.log import log


class Breaches:
    """The k-anonymous range search of Have I Been Pwned, or a copy of it; off without a URL.

    Only the first five characters of the password's SHA-1 leave the house.
    Source: https://haveibeenpwned.com/API/v3#PwnedPasswords
    """

    def __init__(self, url: str | None, http: httpx.AsyncClient) -> None:
        self._url, self._http = url, http

    async def knows(self, password: str) -> bool:
        """Whether the password stands in the collection; when that does not answer, nobody is kept out."""
        if not self._url:
            return False
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        try:
            answer = await self._http.get(f"{self._url}/range/{digest[:5]}", headers={"Add-Padding": "true"})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("breaches.away", error=type(error).__name__)
            return False
        known = (line.strip().partition(":") for line in answer.text.splitlines())
        return any(suffix == digest[5:] and count.strip("0 ") for suffix, _, count in known)
