"""The commands of the operator CLI and their options."""

import argparse

from ava_common.argument_types import limit, point_in_time
from ava_common.operator_command import program_name
from ava_whatsapp_gateway.operator.filters import Filters
from ava_whatsapp_gateway.queue.states import EventState

STATUSES = ("sent", "delivered", "read", "played", "failed")


def parser() -> argparse.ArgumentParser:
    """`list`, `show`, `trace` and the commands that change something."""
    filters, seeing, changing, deliveries = _shared()
    root = argparse.ArgumentParser(
        prog=program_name("python -m ava_whatsapp_gateway"),
        description="Inspect WhatsApp events and deliveries, and act on them.",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("list", parents=[filters, seeing, deliveries], help="list the selected, newest first")
    show = commands.add_parser(
        "show", parents=[filters, seeing, deliveries], help="show everything about the selected"
    )
    show.add_argument("--words", action="store_true", help="also what was said or posted")
    trace = commands.add_parser("trace", help="what happened to one message, in order")
    trace.add_argument(
        "id",
        help="a wamid, in or out, or the id of an event, send, delivery, request or logged message;"
        " event:12 and delivery:12 say which",
    )
    trace.add_argument(
        "--logs", nargs="+", default=[], metavar="FILE", help="also these logs; - is standard input"
    )
    trace.add_argument("--words", action="store_true", help="also what was said")
    trace.add_argument("--json", action="store_true", help="one JSON document")
    commands.add_parser(
        "replay", parents=[filters, changing, deliveries], help="handle again, or send what was not delivered"
    )
    commands.add_parser(
        "quarantine", parents=[filters, changing], help="take events out of the queue for now"
    )
    commands.add_parser(
        "discard",
        parents=[filters, changing, deliveries],
        help="do nothing more about events; delete unreadable deliveries",
    )
    commands.add_parser("check", help="check the variables and all that they lead to", add_help=False)
    resolve = commands.add_parser(
        "resolve", parents=[filters, changing], help="say what became of unknown sends"
    )
    outcome = resolve.add_mutually_exclusive_group(required=True)
    outcome.add_argument("--sent", action="store_true", help="it arrived: log it")
    outcome.add_argument("--not-sent", action="store_true", help="it never arrived: send it again")
    return root


def _shared() -> list[argparse.ArgumentParser]:
    """Options of several commands: the filters, of those that see, that change, that know deliveries."""
    filters, seeing, changing, deliveries = (argparse.ArgumentParser(add_help=False) for _ in range(4))
    filters.add_argument("--wamid", action="append", help="the message's id at Meta; may be repeated")
    filters.add_argument("--event", action="append", type=int, metavar="ID", help="may be repeated")
    filters.add_argument("--person", help="an account's id, a number as WhatsApp writes it, or a username")
    filters.add_argument(
        "--state", action="append", choices=[str(one) for one in EventState], help="may be repeated"
    )
    filters.add_argument(
        "--status", action="append", choices=STATUSES, help="how far the answer got; may be repeated"
    )
    filters.add_argument(
        "--since", type=point_in_time, help="received at or after: 2h, 7d, or 2026-11-22T14:00"
    )
    filters.add_argument("--until", type=point_in_time, help="received before")
    filters.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    seeing.add_argument("--limit", type=limit, default=100, help="at most this many (100)")
    changing.add_argument("--limit", type=limit, help="at most this many, the oldest (all that match)")
    changing.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    deliveries.add_argument(
        "--deliveries", action="store_true", help="deliveries that cannot be read, instead of events"
    )
    deliveries.add_argument(
        "--delivery", action="append", type=int, metavar="ID", help="this delivery; may be repeated"
    )
    return [filters, seeing, changing, deliveries]


def filters_of(args: argparse.Namespace) -> Filters:
    """The filters as they were given."""
    return Filters(
        *(args.wamid, args.person, args.state, args.since, args.until),
        limit=min(args.limit, 2**31) if args.limit else None,
        statuses=args.status,
        ids=args.delivery if about_deliveries(args) else args.event,
    )


def about_deliveries(args: argparse.Namespace) -> bool:
    """Whether the command is about deliveries and not about events."""
    return bool(getattr(args, "deliveries", False) or getattr(args, "delivery", None))


def misuse(args: argparse.Namespace, filters: Filters) -> str | None:
    """What is wrong with these arguments together."""
    events_only = args.wamid or args.event or args.person or args.state or args.status
    if about_deliveries(args) and events_only:
        return "Deliveries are selected by --delivery, --since and --until only."
    if args.command in ("list", "show") or not filters.match_everything:
        return None
    if about_deliveries(args):
        asked = "which deliveries: --delivery, --since or --until"
        return None if args.command == "replay" else f"Say {asked}."
    return "Say which events: --wamid, --event, --person, --state, --status, --since or --until."
