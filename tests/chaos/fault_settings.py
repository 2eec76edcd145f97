"""The faults the simulator injects during a run, and the shorter time limits the gateway gets for it.

Decision 0030.
"""

from typing import Any

from chaos.options import Options

CONCURRENCY = 32
# A status that arrives later than this still resolves its send; a run ends only when every status has come.
UNKNOWN_WAIT = 10


def simulator_plan(options: Options) -> dict[str, Any]:
    """5 % timeouts after accepting, 5 % errors (some with a JSON body, some without, accepted or not), 10 %
    duplicates; webhooks batched, shuffled and late; the pair rate sped up."""
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


def gateway_variables() -> dict[str, str]:
    """The production gateway with shorter time limits, so that a run takes minutes."""
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
