"""Mechanics that every service shares; knows none of the services."""
