"""Runs the command line: `python -m ava_local`, which the script `./ava` starts."""

from ava_local.cli.app import main

main()
