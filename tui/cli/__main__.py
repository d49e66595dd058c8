"""`python -m tui.cli`: the command line without the installed script; the worker is started in this way."""

from tui.cli import main

main()
