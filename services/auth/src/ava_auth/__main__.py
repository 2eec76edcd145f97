"""`python -m ava_auth audit` reads the trail of security events; `key` makes a signing key."""

import argparse
import asyncio
import json
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from ava_auth.attempts import digest
from ava_auth.audit import Event, Trail
from ava_common.database import AWAY, open_pool
from ava_common.settings import load, room

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class _Database(BaseSettings):
    """All that reading the trail needs."""

    model_config = room("AUTH_")

    database_url: SecretStr


def _moment(words: str) -> datetime:
    """`30m`, `12h` or `7d` ago, or a date and time (ISO 8601; UTC when it names no zone)."""
    if words[-1:] in _UNITS and words[:-1].isdigit():
        return datetime.now(UTC) - timedelta(**{_UNITS[words[-1]]: int(words[:-1])})
    moment = datetime.fromisoformat(words)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ava_auth", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    audit = commands.add_parser("audit", help="read the trail of security events, newest first")
    audit.add_argument("--since", type=_moment, metavar="WHEN", help="30m, 12h, 7d or 2026-11-22T14:00")
    audit.add_argument("--event", metavar="NAME", help="an event or its beginning: login, login.refused")
    audit.add_argument("--person", metavar="WHO", help="the account's id or e-mail address")
    audit.add_argument("--limit", type=int, default=100, metavar="N", help="at most N events (100)")
    audit.add_argument("--json", action="store_true", help="one JSON object per line")
    commands.add_parser("key", help="make a private signing key for AUTH_SIGNING_KEYS")
    return parser


def _who(words: str | None) -> dict[str, Any]:
    if not words:
        return {}
    return {"account": digest(words)} if "@" in words else {"person": UUID(words)}


def _line(event: Event) -> str:
    who = event.user_id or (f"account {event.account[:12]}" if event.account else "-")
    words = " ".join(f"{name}={value}" for name, value in event.detail.items())
    return f"{event.at:%Y-%m-%d %H:%M:%S}  {event.event:<24} {who!s:<36}  {event.network or '-':<24} {words}"


async def _audit(asked: argparse.Namespace) -> None:
    url = load(_Database).database_url.get_secret_value()
    async with open_pool(url, name="ava-auth-audit", size=1) as pool:
        found = Trail(pool).read(
            since=asked.since, event=asked.event, limit=asked.limit, **_who(asked.person)
        )
        async for event in found:
            sys.stdout.write(f"{orjson.dumps(event, default=str).decode() if asked.json else _line(event)}\n")


def _key() -> None:
    private = ECAlgorithm.to_jwk(generate_private_key(SECP256R1()), as_dict=True)
    sys.stdout.write(json.dumps({**private, "kid": secrets.token_hex(8)}) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """0 when done, 1 when the database is away, 2 when asked wrongly."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.command == "key":
        _key()
        return 0
    try:
        asyncio.run(_audit(asked))
    except ValueError:
        parser.error("--person takes the id of an account or its e-mail address")
    except AWAY:
        sys.stderr.write("The database does not answer. Check AUTH_DATABASE_URL.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
