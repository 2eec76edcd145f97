"""The house's own secrets: random, made at the first start, kept where only their owner can read them."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Secrets:
    """`passwords` are by database role; `signing_key` is auth's private EC P-256 JWK."""

    passwords: dict[str, str]
    publishable_key: str
    secret_key: str
    signing_key: dict[str, str]
    client_secret: str
    app_secret: str
    verify_token: str
    access_token: str


def keep(path: Path) -> Secrets:
    """The secrets in `path`; made now if there are none yet."""
    if not path.exists():
        write_private(path, json.dumps(asdict(make()), indent=2) + "\n")
    return Secrets(**json.loads(path.read_text()))


def make() -> Secrets:
    return Secrets(
        passwords={role: random() for role in LOGIN_ROLES},
        publishable_key=f"sb_publishable_{random()}",
        secret_key=f"sb_secret_{random()}",
        signing_key=new_signing_key(),
        client_secret=random(),
        app_secret=secrets.token_hex(16),
        verify_token=random(),
        access_token=f"EAA{secrets.token_hex(48)}",
    )


def random() -> str:
    return secrets.token_urlsafe(24)


def new_signing_key() -> dict[str, str]:
    """A private EC P-256 key as a JWK with a key id."""
    key = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {**key, "kid": secrets.token_hex(8), "alg": "ES256", "use": "sig"}


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
