"""What goes wrong by plan: the platform's faults, and the gateway's patience cut to the length of a test."""

from typing import Any

from ava_local.chaos.options import Options

CONCURRENCY = 32
# A status that comes later than this still settles its send; quiet waits for every status there will be.
UNKNOWN_WAIT = 10


def plan(options: Options) -> dict[str, Any]:
    """5 % timeouts after accept, 5 % 5xx (some with an error to read, some without, taken or not), 10 %
    duplicates, batched, shuffled, late; the pair rate in fast motion."""
    return {
        "seed": options.seed,
        "delivery": {"batch": 100, "gather": 0.2, "shuffle": True, "duplicates": 0.1, "delay": 1.0},
        "statuses": {"out_of_order": True, "before_response": 0.02},
        "pair_rate": {"scale": 0.03},
        "faults": [
            {"kind": "timeout", "rate": 0.05, "with_status": 0.9},
            {"kind": "code", "code": 131016, "rate": 0.02},
            {"kind": "http_error", "status": 500, "accepted": True, "rate": 0.015},
            {"kind": "http_error", "status": 502, "accepted": False, "rate": 0.015},
        ],
    }


def variables() -> dict[str, str]:
    """The same gateway as everywhere, only less patient, so that minutes suffice."""
    gateway = {
        "CONCURRENCY": CONCURRENCY,
        "GRAPH_TIMEOUT": 2,
        "LEASE": 10,
        "UNKNOWN_WAIT": UNKNOWN_WAIT,
        "BACKOFF_UNIT": 0.5,
        "NUMBER_RATE": 1000,
        "PAIR_GAP": 0.2,
        "READY_BACKLOG_AGE": 3600,
    }
    return {f"WHATSAPP_GATEWAY_{name}": str(value) for name, value in gateway.items()}
