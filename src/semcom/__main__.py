"""`python -m semcom` is `semcom`."""

from semcom.cli import main

main()
