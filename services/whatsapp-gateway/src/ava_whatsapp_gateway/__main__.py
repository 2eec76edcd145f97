"""The operator's desk: `python -m ava_whatsapp_gateway list|show|replay|quarantine|resolve|discard`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic_settings import BaseSettings

from ava_common.settings import DatabaseUrl, load, room
from ava_whatsapp_gateway import desk
from ava_whatsapp_gateway.selection import STATES, Selection, moment

_COLUMNS = ("id", "state", "kind", "attempts", "received_at", "user_id", "key", "reason")
_ACTIONS: dict[str, desk.Action] = {
    "replay": desk.replay,
    "quarantine": desk.quarantine,
    "discard": desk.discard,
}


class DeskSettings(BaseSettings):
    """The desk needs the database and nothing else of the room."""

    model_config = room("WHATSAPP_GATEWAY_")

    database_url: DatabaseUrl


def parser() -> argparse.ArgumentParser:
    """What can be asked of the desk."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--wamid", action="append", help="the message's id at Meta; may be repeated")
    common.add_argument("--person", help="an account's id, a number as WhatsApp writes it, or a username")
    common.add_argument("--state", action="append", choices=STATES, help="may be repeated")
    common.add_argument("--since", type=moment, help="received at or after: 2h, 7d, or 2026-11-22T14:00")
    common.add_argument("--until", type=moment, help="received before")
    common.add_argument("--limit", type=int, default=100, help="at most so many (100)")
    common.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    changing = argparse.ArgumentParser(add_help=False, parents=[common])
    changing.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    made = argparse.ArgumentParser(prog="gateway", description="Look at WhatsApp events, and decide.")
    commands = made.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("list", parents=[common], help="the events chosen, newest first")
    show = commands.add_parser("show", parents=[common], help="all there is to know about them")
    show.add_argument("--words", action="store_true", help="also what was said")
    replay = commands.add_parser("replay", parents=[changing], help="handle again what is dead or set aside")
    replay.add_argument(
        "--deliveries", action="store_true", help="the unreadable deliveries instead of events"
    )
    commands.add_parser("quarantine", parents=[changing], help="take out of the queue for now")
    commands.add_parser("discard", parents=[changing], help="do nothing more about them")
    resolve = commands.add_parser("resolve", parents=[changing], help="say what became of unknown sends")
    became = resolve.add_mutually_exclusive_group(required=True)
    became.add_argument("--sent", action="store_true", help="it arrived: log it")
    became.add_argument("--not-sent", action="store_true", help="it never arrived: send it again")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when done; 2 when the question was incomplete."""
    asked = parser().parse_args(arguments)
    selection = Selection(
        asked.wamid, asked.person, asked.state, asked.since, asked.until, max(1, min(asked.limit, 10_000))
    )
    changes = asked.command not in ("list", "show")
    if changes and selection.is_everything and not getattr(asked, "deliveries", False):
        print("Say which: --wamid, --person, --state, --since or --until.", file=sys.stderr)
        return 2
    url = load(DeskSettings).database_url.get_secret_value()
    try:
        rows = asyncio.run(_do(asked, selection, url))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"The database does not answer as it should: {type(error).__name__}.", file=sys.stderr)
        return 1
    _print(asked, rows)
    return 0


async def _do(asked: argparse.Namespace, selection: Selection, url: str) -> list[desk.Row]:
    connection = await asyncpg.connect(url)
    try:
        if asked.command == "list":
            return await desk.chosen(connection, selection)
        if asked.command == "show":
            rows = await desk.chosen(connection, selection)
            return [await desk.show(connection, row["id"], words=asked.words) for row in rows]
        if getattr(asked, "deliveries", False):
            rows = await desk.broken_deliveries(connection, selection)
            if not asked.dry_run:
                await desk.split_again(connection, rows)
            return rows
        return await desk.act(connection, _action(asked), selection, dry_run=asked.dry_run)
    finally:
        await connection.close()


def _action(asked: argparse.Namespace) -> desk.Action:
    if asked.command == "resolve":
        return desk.resolve_sent if asked.sent else desk.resolve_not_sent
    return _ACTIONS[asked.command]


def _print(asked: argparse.Namespace, rows: list[desk.Row]) -> None:
    if asked.json or asked.command == "show":
        print(orjson.dumps(rows, default=str, option=orjson.OPT_INDENT_2).decode())
        return
    for row in rows:
        print("  ".join(_cell(row.get(column)) for column in _COLUMNS if column in row))
    verb = "would be" if getattr(asked, "dry_run", False) else "were"
    done = "" if asked.command == "list" else f" {verb} chosen for: {asked.command}"
    print(f"{len(rows)} {'delivery' if getattr(asked, 'deliveries', False) else 'event'}(s){done}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    sys.exit(main())
