"""The options of a run: how many messages, users and kills, at which rate, with which seed."""

from dataclasses import dataclass

OUTAGES = (
    "full pooler",
    "pages from services",
    "graph away",
    "gateway stands still",
    "database restarts",
)
TARGETS = ("whatsapp-gateway", "messaging", "profile", "auth", "postgres")


@dataclass(frozen=True)
class Options:
    """`rate` in messages per second; each target is killed once per round, and each outage happens once; a
    run ends when nothing progresses for `stall_timeout` seconds. So many users' links or numbers change."""

    messages: int = 10_000
    users: int = 200
    seed: int = 1
    rate: float = 150.0
    rounds: int = 3
    stall_timeout: float = 120.0
    targets: tuple[str, ...] = TARGETS
    link_changes: int = 20
    outages: tuple[str, ...] = OUTAGES
    graph_away_seconds: float = 120.0

    @property
    def blows(self) -> int:
        """The number of kills and outages."""
        return self.rounds * (len(self.targets) + len(self.outages))
