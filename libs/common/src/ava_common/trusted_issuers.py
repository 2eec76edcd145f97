"""The issuers of access tokens that a service trusts.

Apart from what verifies them: a service that verifies no tokens loads no cryptography. Decision 0176.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrustedIssuer:
    """An `iss` to trust and where its keys are; one that delegates must name an actor.

    `secret` is the shared secret of an issuer that still signs with HS256.
    """

    name: str
    jwks_url: str
    secret: str | None = None
    delegates: bool = False


def supabase_issuer(url: str, *, name: str | None = None, secret: str | None = None) -> TrustedIssuer:
    """The Supabase project at `url`; `name` only where its tokens name another issuer."""
    issuer = f"{url}/auth/v1"
    return TrustedIssuer(name or issuer, f"{issuer}/.well-known/jwks.json", secret)


def delegating_issuer(url: str, name: str) -> TrustedIssuer:
    """A service at `url` that issues delegated tokens under `name`."""
    return TrustedIssuer(name, f"{url}/.well-known/jwks.json", delegates=True)
