"""The options of a run: how many messages, users and kills, at which rate, with which seed."""

from dataclasses import dataclass

TARGETS = ("whatsapp-gateway", "messaging", "profile", "auth", "postgres")


@dataclass(frozen=True)
class Options:
    """`rate` in messages per second; each target is killed once per round; a run ends when nothing progresses
    for `stall_timeout` seconds. So many users' links change, or their numbers."""

    messages: int = 10_000
    users: int = 200
    seed: int = 1
    rate: float = 150.0
    rounds: int = 3
    stall_timeout: float = 120.0
    targets: tuple[str, ...] = TARGETS
    link_changes: int = 20

    @property
    def kills(self) -> int:
        """The number of kills."""
        return self.rounds * len(self.targets)
