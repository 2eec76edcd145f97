"""A scripted user journey and a client of the phone simulator, for `./ava demo` and `./ava phone`."""
