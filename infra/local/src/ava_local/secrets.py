"""The house's own secrets: random, made at the first start, kept where only their owner can read them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path


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
        # Cryptography weighs 20 MB, which the supervisor would carry for all its life.
        from ava_local.first_secrets import make

        write_private(path, json.dumps(make(), indent=2) + "\n")
    return Secrets(**json.loads(path.read_text()))


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
