"""The operator CLI: `python -m ava_whatsapp_gateway`.

Its commands: list, show, trace, replay, quarantine, discard, resolve and check. Decision 0168.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import asyncpg
from pydantic_settings import BaseSettings

from ava_common.database import Connection
from ava_common.operator_command import run
from ava_common.settings import DatabaseUrl, from_environment, load
from ava_whatsapp_gateway import check
from ava_whatsapp_gateway.operator import actions, deliveries, log_lines, report
from ava_whatsapp_gateway.operator.command_line import about_deliveries, filters_of, misuse, parser
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.operator.trace import Trace, in_order, trace

_ACTIONS: dict[str, actions.Action] = {
    "replay": actions.replay,
    "quarantine": actions.quarantine,
    "discard": actions.discard,
}
# Filters are optional, so a plan is for those that are given: unlike the service's, which are kept.
_PLANNING = "set plan_cache_mode = force_custom_plan; set enable_seqscan = on"
Answer = Trace | actions.Applied | list[actions.Record]


class OperatorSettings(BaseSettings):
    """The operator CLI needs the database and nothing else of the service."""

    model_config = from_environment("WHATSAPP_GATEWAY_")

    database_url: DatabaseUrl


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when done; 1 when the database is away or a trace finds nothing; 2 when the arguments are wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["check"]:
        return check.main(given[1:])
    args = parser().parse_args(given)
    filters = Filters() if args.command == "trace" else filters_of(args)
    if args.command != "trace" and (wrong := misuse(args, filters)):
        print(wrong, file=sys.stderr)
        return 2
    url = load(OperatorSettings, is_part=True).database_url.get_secret_value()
    try:
        answer = asyncio.run(_answer(args, filters, url))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = f"does not respond as expected: {type(error).__name__}."
        print(f"The database of WHATSAPP_GATEWAY_DATABASE_URL {why}", file=sys.stderr)
        return 1
    return _report(args, answer)


async def _answer(args: argparse.Namespace, filters: Filters, url: str) -> Answer:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_PLANNING)
        if args.command == "trace":
            return await trace(connection, args.id, words=args.words)
        if about_deliveries(args):
            return await _about_deliveries(connection, args, filters)
        if args.command == "list":
            return await actions.select(connection, filters)
        if args.command == "show":
            found = await actions.select(connection, filters)
            return [await actions.show(connection, record["id"], words=args.words) for record in found]
        return await actions.apply(connection, _action(args), filters, dry_run=args.dry_run)
    finally:
        await connection.close()


async def _about_deliveries(connection: Connection, args: argparse.Namespace, filters: Filters) -> Answer:
    if args.command == "list":
        return await deliveries.select(connection, filters)
    if args.command == "show":
        return await deliveries.show(connection, filters, words=args.words)
    change = deliveries.replay if args.command == "replay" else deliveries.discard
    found = await change(connection, filters, dry_run=args.dry_run)
    return actions.Applied(found[0]["matched"] if found else 0, len(found), found)


def _action(args: argparse.Namespace) -> actions.Action:
    if args.command == "resolve":
        return actions.resolve_sent if args.sent else actions.resolve_not_sent
    return _ACTIONS[args.command]


def _report(args: argparse.Namespace, answer: Answer) -> int:
    if isinstance(answer, Trace):
        return _report_trace(args, answer)
    if isinstance(answer, actions.Applied):
        about = {"deliveries": about_deliveries(args), "as_json": args.json, "dry_run": args.dry_run}
        report.changes(answer.rows, args.command, answer.changed, **about)
    else:
        as_json = args.json or args.command == "show"
        report.records(answer, deliveries=about_deliveries(args), as_json=as_json)
    return 0


def _report_trace(args: argparse.Namespace, found: Trace) -> int:
    if found.is_empty:
        print(f"Nothing is known under the id {args.id}.", file=sys.stderr)
        return 1
    try:
        entries = in_order([*found.entries, *log_lines.entries(found, args.logs)])
    except OSError as error:
        print(f"Cannot read {error.filename}: {error.strerror}.", file=sys.stderr)
        return 1
    report.time_line(found, entries, as_json=args.json)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
