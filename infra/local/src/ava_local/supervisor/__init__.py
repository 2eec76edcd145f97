"""Starts processes in dependency order, restarts them, and stops them in reverse; knows no Ava."""
