"""`python -m ava_local`: what `./ava` hands over to."""

from ava_local.cli.app import main

main()
