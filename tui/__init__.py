"""The terminal and the command line: draws, listens, and joins the store to the method."""
