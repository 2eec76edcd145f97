"""The parent of every error whose message tells the user what happened and what to do."""


class ExpectedError(Exception):
    """`./ava` prints its message without a traceback and exits with 1."""
