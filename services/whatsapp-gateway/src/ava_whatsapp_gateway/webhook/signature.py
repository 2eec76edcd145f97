"""Verify Meta's signature: HMAC-SHA256 of the raw bytes with the app's secret.

See docs/contracts/whatsapp-cloud-api.md#signature.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

_HEADER = re.compile(rb"sha256=([0-9a-f]{64})")


def is_genuine(header: bytes, body: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether `X-Hub-Signature-256` (as raw bytes) signs exactly this body with one of the secrets.

    Several secrets are a rotation. Anything but `sha256=` and 64 lower-case hex digits is not genuine. Bytes
    are compared with bytes: comparing strings would raise for a header that is not ASCII.
    """
    found = _HEADER.fullmatch(header)
    if not found:
        return False
    given = bytes.fromhex(found[1].decode())
    return any(hmac.compare_digest(given, hmac.digest(secret, body, hashlib.sha256)) for secret in secrets)
