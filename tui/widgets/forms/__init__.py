"""One way to answer each kind of question."""
