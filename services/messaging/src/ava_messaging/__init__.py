"""The messaging service: the message log."""
