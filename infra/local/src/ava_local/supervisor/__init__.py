"""Starts processes in dependency order, restarts them, and stops them in reverse; independent of Ava."""
