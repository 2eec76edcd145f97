"""What an operator can do: list, show, replay, resolve."""
