"""The command line `./ava`: one module per group of commands."""
