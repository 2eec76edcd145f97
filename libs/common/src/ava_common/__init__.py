"""Mechanics every room shares; knows no room."""
