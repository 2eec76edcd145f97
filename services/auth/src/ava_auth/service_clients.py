"""The services that may ask for delegated tokens, each by its name and secret (HTTP Basic).

Decision 0065.
"""

import base64
import binascii
import secrets

from ava_auth.problems import ClientUnknown
from ava_auth.settings import Settings


class ServiceClients:
    """Names and their secrets; two secrets at once are a rotation."""

    def __init__(self, settings: Settings) -> None:
        self._secrets = {
            name: [secret.get_secret_value().encode() for secret in several]
            for name, several in settings.clients.items()
        }

    def authenticate(self, authorization: str | None) -> str:
        """The name of the client behind these Basic credentials. Raises ClientUnknown."""
        scheme, _, encoded = (authorization or "").partition(" ")
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise ClientUnknown from None
        known = self._secrets.get(name, [b"the secret of no client"])
        matches = [secrets.compare_digest(secret.encode(), one) for one in known]
        if scheme.lower() != "basic" or name not in self._secrets or not any(matches):
            raise ClientUnknown
        return name
