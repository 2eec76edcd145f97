"""The operator CLI: `python -m ava_messaging stored|check`: what is in a user's log, and a check.

Decisions 0109 and 0120.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic_settings import BaseSettings

from ava_common import checks
from ava_common.caller import Caller
from ava_common.checks import Check
from ava_common.database import AWAY, acting_as, open_pool
from ava_common.operator_command import program_name, run
from ava_common.settings import DatabaseUrl, from_environment, load
from ava_messaging.app import DATABASE_CONNECTIONS, SESSION_PATH
from ava_messaging.settings import Settings

_STORED = """
select id, role, channel, created_at, sent_at, edited_at, deleted_at, avatar_id,
  case when $3 then content end as content
from public.messages where user_id = $1 and id = any ($2) order by created_at, id
"""


class OperatorSettings(BaseSettings):
    """All that looking into the log needs."""

    model_config = from_environment("MESSAGING_")

    database_url: DatabaseUrl


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program_name("python -m ava_messaging"), description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    stored = commands.add_parser("stored", help="one JSON line for each id: whether it is in the user's log")
    stored.add_argument("ids", nargs="+", type=UUID, metavar="ID", help="a message's id")
    stored.add_argument("--user", type=UUID, required=True, metavar="ID", help="whose log")
    stored.add_argument("--words", action="store_true", help="also what was said")
    commands.add_parser("check", help="check the variables and all that they lead to", add_help=False)
    return parser


async def _stored(args: argparse.Namespace) -> list[dict[str, Any]]:
    """As the user whose log it is: the policies decide, as for any request."""
    url = load(OperatorSettings, is_part=True).database_url.get_secret_value()
    user = Caller(args.user, token="", expires_at=0)
    async with (
        open_pool(url, name="ava-messaging-stored", size=1) as pool,
        acting_as(pool, user, "ava_messaging") as connection,
    ):
        return [dict(row) for row in await connection.fetch(_STORED, args.user, args.ids, args.words)]


def _lines(args: argparse.Namespace, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """In the form of a log line, so that a trace takes them like those of a log."""
    line = {"timestamp": datetime.now(UTC), "service": "messaging"}
    found = {row["id"]: row for row in rows}
    for wanted in args.ids:
        said = "is in the log" if wanted in found else "is not in the log"
        more = {name: value for name, value in found.get(wanted, {}).items() if value and name != "id"}
        yield {**line, "event": said, "message": wanted, **more}


async def outside(settings: Settings) -> list[Check]:
    """All that the variables lead to."""
    url = settings.database_url.get_secret_value()
    return [
        *await checks.database_checks(url, "MESSAGING_DATABASE_URL", DATABASE_CONNECTIONS),
        *await checks.session_checks("AUTH_URL", settings.auth_url, SESSION_PATH),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all are stored, 1 when not or when the database is away, 2 when the arguments are wrong."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["check"]:
        return checks.main(Settings, outside, given[1:])
    args = _parser().parse_args(given)
    try:
        rows = asyncio.run(_stored(args))
    except AWAY:
        sys.stderr.write("The database does not respond. Check MESSAGING_DATABASE_URL.\n")
        return 1
    for line in _lines(args, rows):
        sys.stdout.write(orjson.dumps(line, default=str).decode() + "\n")
    return 0 if len(rows) == len({*args.ids}) else 1


if __name__ == "__main__":
    sys.exit(run(main))
