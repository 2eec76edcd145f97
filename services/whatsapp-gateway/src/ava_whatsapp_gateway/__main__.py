"""The operator CLI: `python -m ava_whatsapp_gateway list|show|replay|quarantine|discard|resolve`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic_settings import BaseSettings

from ava_common.argument_types import limit, point_in_time
from ava_common.settings import DatabaseUrl, from_environment, load
from ava_whatsapp_gateway import check
from ava_whatsapp_gateway.operator import actions
from ava_whatsapp_gateway.operator.actions import Record
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.queue.states import EventState

_COLUMNS = ("id", "state", "kind", "attempts", "received_at", "user_id", "key", "reason")
_ACTIONS: dict[str, actions.Action] = {
    "replay": actions.replay,
    "quarantine": actions.quarantine,
    "discard": actions.discard,
}


class OperatorSettings(BaseSettings):
    """The operator CLI needs the database and nothing else of the service."""

    model_config = from_environment("WHATSAPP_GATEWAY_")

    database_url: DatabaseUrl


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--wamid", action="append", help="the message's id at Meta; may be repeated")
    common.add_argument("--person", help="an account's id, a number as WhatsApp writes it, or a username")
    common.add_argument(
        "--state", action="append", choices=[str(one) for one in EventState], help="may be repeated"
    )
    common.add_argument(
        "--since", type=point_in_time, help="received at or after: 2h, 7d, or 2026-11-22T14:00"
    )
    common.add_argument("--until", type=point_in_time, help="received before")
    common.add_argument("--limit", type=limit, default=100, help="at most this many (100)")
    common.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    changing = argparse.ArgumentParser(add_help=False, parents=[common])
    changing.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    root = argparse.ArgumentParser(prog="gateway", description="Inspect WhatsApp events and act on them.")
    commands = root.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("list", parents=[common], help="list the selected events, newest first")
    show = commands.add_parser("show", parents=[common], help="show everything about the selected events")
    show.add_argument("--words", action="store_true", help="also what was said")
    replay = commands.add_parser("replay", parents=[changing], help="handle dead or quarantined events again")
    replay.add_argument("--deliveries", action="store_true", help="unreadable deliveries instead of events")
    commands.add_parser("quarantine", parents=[changing], help="take events out of the queue for now")
    commands.add_parser("discard", parents=[changing], help="do nothing more about events")
    commands.add_parser("check", help="check the variables and all that they lead to", add_help=False)
    resolve = commands.add_parser("resolve", parents=[changing], help="say what became of unknown sends")
    outcome = resolve.add_mutually_exclusive_group(required=True)
    outcome.add_argument("--sent", action="store_true", help="it arrived: log it")
    outcome.add_argument("--not-sent", action="store_true", help="it never arrived: send it again")
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when done; 1 when the database is away; 2 when no filter was given for a change."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["check"]:
        return check.main(given[1:])
    args = parser().parse_args(given)
    filters = Filters(args.wamid, args.person, args.state, args.since, args.until, min(args.limit, 10_000))
    changes = args.command not in ("list", "show")
    if changes and filters.match_everything and not getattr(args, "deliveries", False):
        print("Say which events: --wamid, --person, --state, --since or --until.", file=sys.stderr)
        return 2
    url = load(OperatorSettings, is_part=True).database_url.get_secret_value()
    try:
        records = asyncio.run(_run(args, filters, url))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"The database does not respond as expected: {type(error).__name__}.", file=sys.stderr)
        return 1
    _report(args, records)
    return 0


async def _run(args: argparse.Namespace, filters: Filters, url: str) -> list[Record]:
    connection = await asyncpg.connect(url)
    try:
        if args.command == "list":
            return await actions.select(connection, filters)
        if args.command == "show":
            found = await actions.select(connection, filters)
            return [await actions.show(connection, record["id"], words=args.words) for record in found]
        if getattr(args, "deliveries", False):
            deliveries = await actions.unreadable_deliveries(connection, filters)
            if not args.dry_run:
                await actions.ingest_again(connection, deliveries)
            return deliveries
        return await actions.apply(connection, _action(args), filters, dry_run=args.dry_run)
    finally:
        await connection.close()


def _action(args: argparse.Namespace) -> actions.Action:
    if args.command == "resolve":
        return actions.resolve_sent if args.sent else actions.resolve_not_sent
    return _ACTIONS[args.command]


def _report(args: argparse.Namespace, records: list[Record]) -> None:
    if args.json or args.command == "show":
        print(orjson.dumps(records, default=str, option=orjson.OPT_INDENT_2).decode())
        return
    for record in records:
        print("  ".join(_cell(record.get(column)) for column in _COLUMNS if column in record))
    verb = "would be" if getattr(args, "dry_run", False) else "were"
    done = "" if args.command == "list" else f" {verb} selected for: {args.command}"
    print(f"{len(records)} {'delivery' if getattr(args, 'deliveries', False) else 'event'}(s){done}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    sys.exit(main())
