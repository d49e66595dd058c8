"""The store: one SQLite file through sqlite-utils.  Sessions, decisions, evidence, the queue of trials.

`storage.store.Store` is the door; importing this package alone loads nothing.
"""
