"""How much is said, by how many, and how often something is killed."""

from dataclasses import dataclass

VICTIMS = ("whatsapp-gateway", "messaging", "profile", "auth", "postgres")


@dataclass(frozen=True)
class Options:
    """`rate` in messages a second; `rounds` is how often each victim is killed; `patience` is the seconds
    without any progress after which waiting makes no sense."""

    messages: int = 10_000
    people: int = 200
    seed: int = 1
    rate: float = 150.0
    rounds: int = 3
    patience: float = 120.0
    victims: tuple[str, ...] = VICTIMS

    @property
    def kills(self) -> int:
        """How many kills there will be."""
        return self.rounds * len(self.victims)
