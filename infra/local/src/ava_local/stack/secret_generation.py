"""Generates the passwords, keys and tokens of a new stack."""

import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

LOGIN_ROLES = (
    "postgres",
    "supabase_auth_admin",
    "ava_auth",
    "ava_profile",
    "ava_messaging",
    "ava_whatsapp_gateway",
)


def generate_secrets() -> dict[str, Any]:
    """The fields of `ava_local.stack.secrets_file.StackSecrets`."""
    return {
        "passwords": {role: random_token() for role in LOGIN_ROLES},
        "publishable_key": f"sb_publishable_{random_token()}",
        "secret_key": f"sb_secret_{random_token()}",
        "signing_key": new_signing_key(),
        "client_secret": random_token(),
        "app_secret": secrets.token_hex(16),
        "verify_token": random_token(),
        "access_token": f"EAA{secrets.token_hex(48)}",
    }


def random_token() -> str:
    return secrets.token_urlsafe(24)


def new_signing_key() -> dict[str, str]:
    """A private EC P-256 key as a JWK with a key id."""
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {**key, "kid": secrets.token_hex(8), "alg": "ES256", "use": "sig"}
