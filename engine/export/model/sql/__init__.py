"""The model as one SELECT: named steps of plain expressions, in the dialect wanted.

Preparation is folded in: scaling into the weights, empty cells into COALESCE, levels into CASE.  What takes more than
one expression is a step of its own (WITH), under a name that says what it is.  Dialects, quoting and what differs
between databases are sqlglot's.  Before it leaves, the statement is run in SQLite and DuckDB on rows of the session
and held against the model.  (Decision catalogue, present.sql.)

orbital 0.6, which writes scikit-learn pipelines as SQL by way of ONNX, was tried: it is right where every step is
scikit-learn's own, and refuses all others (columns that say what is missing, yes/no columns, robust scaling, chosen
columns), which nearly every model here has.
"""
