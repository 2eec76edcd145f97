"""The control API under /simulator, for the phone page, tests and chaos."""
