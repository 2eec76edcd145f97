"""Issue delegated tokens: short-lived tokens with which a service acts for a user (RFC 8693 `act`).

Decision 0065.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from jwt.algorithms import ECAlgorithm

DELEGATION_SECONDS = 120
_BACKDATED_SECONDS = 5  # the clocks of two services may differ a little


@dataclass(frozen=True)
class SigningKey:
    """An EC P-256 private key with the id under which its public half is published."""

    kid: str
    private: EllipticCurvePrivateKey = field(repr=False)

    def published(self) -> dict[str, Any]:
        """The public JWK (RFC 7517)."""
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return public | {"kid": self.kid, "alg": "ES256", "use": "sig"}


@dataclass(frozen=True)
class Delegation:
    """A delegated token; only its `jti` may be logged."""

    token: str = field(repr=False)
    jti: str
    expires_in: int


def read_keys(document: str) -> list[SigningKey]:
    """The keys in a JSON array of private JWKs, the signing one first. Raises ValueError in plain words."""
    try:
        keys = [_read(key) for key in json.loads(document)]
    except (ValueError, TypeError, KeyError, jwt.PyJWTError):
        raise ValueError("must be a JSON array of private EC P-256 JWKs, each with a kid") from None
    if not keys or len({key.kid for key in keys}) != len(keys):
        raise ValueError("needs at least one key, and a different kid for each")
    return keys


def _read(key: dict[str, Any]) -> SigningKey:
    private = ECAlgorithm.from_jwk(key)
    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise ValueError
    return SigningKey(str(key["kid"]), private)


class Issuer:
    """Signs with the first key and publishes all of them, so that keys can be rotated."""

    def __init__(self, name: str, keys: list[SigningKey]) -> None:
        self._name, self._signing = name, keys[0]
        self.jwks = {"keys": [key.published() for key in keys]}

    def delegate(self, user_id: UUID, actor: str) -> Delegation:
        """A token of at most 120 s with which `actor` acts for the user."""
        issued, jti = int(time.time()) - _BACKDATED_SECONDS, str(uuid4())
        claims = {
            "iss": self._name,
            "aud": "authenticated",
            "sub": str(user_id),
            "role": "authenticated",
            "act": {"sub": actor},
            "iat": issued,
            "exp": issued + DELEGATION_SECONDS,
            "jti": jti,
        }
        token = jwt.encode(claims, self._signing.private, "ES256", headers={"kid": self._signing.kid})
        return Delegation(token, jti, DELEGATION_SECONDS - _BACKDATED_SECONDS)
