"""Accounts in the database: users, sessions, passwords, one-time tokens, audit log."""
