"""`python -m edgehands` is the command `edgehands`."""

from edgehands.cli import main

main()
