"""The states of events and sends, and who takes them from one to which; docs/states.md draws the same."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum


class EventState(StrEnum):
    """What became of an event so far."""

    READY = "ready"
    HELD = "held"
    AWAITING = "awaiting"
    UNRESOLVED = "unresolved"
    DONE = "done"
    DEAD = "dead"
    DISCARDED = "discarded"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


class SendState(StrEnum):
    """What became of a send so far."""

    READY = "ready"
    SENDING = "sending"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    UNRESOLVED = "unresolved"
    FAILED = "failed"
    DISCARDED = "discarded"


class Actor(StrEnum):
    """Who changes a state."""

    INGEST = "ingest"
    HANDLER = "handler"
    LANE_RUNNER = "lane runner"
    SENDER = "sender"
    STATUS = "status"  # Meta's, applied by whichever process finds it
    LINK = "link"  # the user's, by a trigger on user_preferences
    MAINTENANCE = "maintenance"
    OPERATOR = "operator"


Transitions = Mapping[tuple[StrEnum | None, StrEnum | None], AbstractSet[Actor]]
"""Each legal transition and who makes it. From None: the row is made; to None: it is deleted."""

EVENT_TRANSITIONS: Transitions = {
    (None, EventState.READY): {Actor.INGEST},
    (None, EventState.IGNORED): {Actor.INGEST},
    (None, EventState.QUARANTINED): {Actor.INGEST},
    (EventState.READY, EventState.HELD): {Actor.HANDLER},
    (EventState.READY, EventState.AWAITING): {Actor.HANDLER},
    (EventState.READY, EventState.UNRESOLVED): {Actor.HANDLER},
    (EventState.READY, EventState.DONE): {Actor.HANDLER},
    (EventState.READY, EventState.DEAD): {Actor.LANE_RUNNER},
    (EventState.READY, EventState.QUARANTINED): {Actor.OPERATOR},
    (EventState.READY, EventState.DISCARDED): {Actor.HANDLER, Actor.OPERATOR},
    (EventState.HELD, EventState.READY): {
        *(Actor.INGEST, Actor.HANDLER, Actor.SENDER, Actor.LINK, Actor.MAINTENANCE, Actor.OPERATOR),
    },
    (EventState.HELD, EventState.QUARANTINED): {Actor.OPERATOR},
    (EventState.HELD, EventState.DISCARDED): {Actor.HANDLER, Actor.OPERATOR},
    (EventState.HELD, None): {Actor.MAINTENANCE},
    (EventState.AWAITING, EventState.READY): {Actor.STATUS, Actor.SENDER, Actor.OPERATOR},
    (EventState.AWAITING, EventState.UNRESOLVED): {Actor.MAINTENANCE},
    (EventState.AWAITING, EventState.QUARANTINED): {Actor.OPERATOR},
    (EventState.AWAITING, EventState.DISCARDED): {Actor.OPERATOR},
    (EventState.UNRESOLVED, EventState.READY): {Actor.STATUS, Actor.SENDER, Actor.OPERATOR},
    (EventState.UNRESOLVED, EventState.QUARANTINED): {Actor.OPERATOR},
    (EventState.UNRESOLVED, EventState.DISCARDED): {Actor.OPERATOR},
    (EventState.UNRESOLVED, None): {Actor.MAINTENANCE},
    (EventState.DONE, EventState.READY): {Actor.OPERATOR},
    (EventState.DONE, None): {Actor.MAINTENANCE},
    (EventState.DEAD, EventState.READY): {Actor.OPERATOR},
    (EventState.DEAD, EventState.QUARANTINED): {Actor.OPERATOR},
    (EventState.DEAD, EventState.DISCARDED): {Actor.OPERATOR},
    (EventState.DEAD, None): {Actor.MAINTENANCE},
    (EventState.DISCARDED, EventState.READY): {Actor.OPERATOR},
    (EventState.DISCARDED, None): {Actor.OPERATOR, Actor.MAINTENANCE},
    (EventState.IGNORED, None): {Actor.MAINTENANCE},
    (EventState.QUARANTINED, EventState.READY): {Actor.OPERATOR},
    (EventState.QUARANTINED, EventState.DISCARDED): {Actor.OPERATOR},
    (EventState.QUARANTINED, None): {Actor.OPERATOR, Actor.MAINTENANCE},
}

SEND_TRANSITIONS: Transitions = {
    (None, SendState.READY): {Actor.HANDLER},
    (None, SendState.SENDING): {Actor.SENDER},
    (SendState.READY, SendState.SENDING): {Actor.SENDER},
    (SendState.READY, SendState.ACCEPTED): {Actor.SENDER, Actor.STATUS},
    (SendState.READY, SendState.DISCARDED): {
        *(Actor.HANDLER, Actor.LANE_RUNNER, Actor.SENDER, Actor.OPERATOR),
    },
    (SendState.READY, None): {Actor.HANDLER},
    (SendState.SENDING, SendState.ACCEPTED): {Actor.SENDER, Actor.STATUS},
    (SendState.SENDING, SendState.READY): {Actor.SENDER},
    (SendState.SENDING, SendState.FAILED): {Actor.SENDER},
    (SendState.SENDING, SendState.UNKNOWN): {Actor.SENDER},
    (SendState.SENDING, SendState.UNRESOLVED): {Actor.MAINTENANCE},
    (SendState.UNKNOWN, SendState.ACCEPTED): {Actor.SENDER, Actor.STATUS, Actor.OPERATOR},
    (SendState.UNKNOWN, SendState.READY): {Actor.SENDER, Actor.OPERATOR},
    (SendState.UNKNOWN, SendState.FAILED): {Actor.SENDER},
    (SendState.UNKNOWN, SendState.UNRESOLVED): {Actor.MAINTENANCE},
    (SendState.UNKNOWN, SendState.DISCARDED): {Actor.OPERATOR},
    (SendState.UNRESOLVED, SendState.ACCEPTED): {Actor.SENDER, Actor.STATUS, Actor.OPERATOR},
    (SendState.UNRESOLVED, SendState.READY): {Actor.SENDER, Actor.OPERATOR},
    (SendState.UNRESOLVED, SendState.FAILED): {Actor.SENDER},
    (SendState.UNRESOLVED, SendState.DISCARDED): {Actor.OPERATOR},
    (SendState.ACCEPTED, SendState.READY): {Actor.OPERATOR},
    (SendState.FAILED, SendState.ACCEPTED): {Actor.STATUS},
    (SendState.FAILED, SendState.READY): {Actor.OPERATOR},
    (SendState.FAILED, SendState.DISCARDED): {Actor.OPERATOR},
    (SendState.DISCARDED, SendState.ACCEPTED): {Actor.STATUS},
    (SendState.DISCARDED, SendState.READY): {Actor.OPERATOR},
}


def states_before(target: EventState, actor: Actor) -> frozenset[str]:
    """The states from which this actor takes an event to `target`."""
    makers = EVENT_TRANSITIONS.items()
    return frozenset(old for (old, new), actors in makers if old and new is target and actor in actors)


def literals(*states: StrEnum) -> str:
    """The states for SQL's `in (…)`: as literals, because a partial index serves no parameters."""
    return ", ".join(f"'{state}'" for state in states)
