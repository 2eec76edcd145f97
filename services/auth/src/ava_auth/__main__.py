"""The operator CLI: `python -m ava_auth audit|key|check`: the audit log, a signing key, a check."""

import argparse
import asyncio
import json
import secrets
import sys
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm
from pydantic_settings import BaseSettings

from ava_auth import check
from ava_auth.audit import AuditEvent, AuditLog
from ava_auth.throttle import account_digest
from ava_common.argument_types import limit, point_in_time
from ava_common.database import AWAY, open_pool
from ava_common.operator_command import program_name, run, table
from ava_common.settings import DatabaseUrl, from_environment, load


class DatabaseSettings(BaseSettings):
    """All that reading the audit log needs."""

    model_config = from_environment("AUTH_")

    database_url: DatabaseUrl


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program_name("python -m ava_auth"), description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    audit = commands.add_parser("audit", help="read the audit log of security events, newest first")
    audit.add_argument("--since", type=point_in_time, metavar="WHEN", help="30m, 12h, 7d or 2026-11-22T14:00")
    audit.add_argument("--event", metavar="NAME", help="an event or its prefix: login, login.refused")
    audit.add_argument(
        "--person", type=_person, default={}, metavar="WHO", help="the account's id or e-mail address"
    )
    audit.add_argument("--limit", type=limit, default=100, metavar="N", help="at most N events (100)")
    audit.add_argument("--json", action="store_true", help="one JSON object per line")
    commands.add_parser("check", help="check the variables and all that they lead to", add_help=False)
    commands.add_parser("key", help="create a private signing key for AUTH_SIGNING_KEYS")
    return parser


def _person(text: str) -> dict[str, Any]:
    """The filter for an account's id or e-mail address."""
    if "@" in text:
        return {"account": account_digest(text)}
    try:
        return {"user_id": UUID(text)}
    except ValueError:
        raise argparse.ArgumentTypeError("use an account's id or e-mail address") from None


def _cells(event: AuditEvent) -> tuple[str, ...]:
    who = event.user_id or (f"account {event.account[:12]}" if event.account else "-")
    words = " ".join(f"{name}={value}" for name, value in event.detail.items())
    return f"{event.at:%Y-%m-%d %H:%M:%S}", event.event, str(who), event.network or "-", words


async def _audit(args: argparse.Namespace) -> list[AuditEvent]:
    url = load(DatabaseSettings, is_part=True).database_url.get_secret_value()
    async with open_pool(url, name="ava-auth-audit", size=1) as pool:
        events = AuditLog(pool).read(since=args.since, event=args.event, limit=args.limit, **args.person)
        return [event async for event in events]


def _print(events: list[AuditEvent], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.writelines(f"{orjson.dumps(event, default=str).decode()}\n" for event in events)
    elif events:
        heads = ("time (UTC)", "event", "who", "network", "more")
        sys.stdout.write(table(heads, [_cells(event) for event in events]) + "\n")


def _key() -> None:
    private = ECAlgorithm.to_jwk(generate_private_key(SECP256R1()), as_dict=True)
    sys.stdout.write(json.dumps({**private, "kid": secrets.token_hex(8)}) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """0 when done, 1 when the database is away, 2 when the arguments are wrong."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["check"]:
        return check.main(given[1:])
    args = _parser().parse_args(given)
    if args.command == "key":
        _key()
        return 0
    return _read_audit(args)


def _read_audit(args: argparse.Namespace) -> int:
    try:
        events = asyncio.run(_audit(args))
    except AWAY:
        sys.stderr.write("The database does not respond. Check AUTH_DATABASE_URL.\n")
        return 1
    _print(events, as_json=args.json)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
