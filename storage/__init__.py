"""SQLite through sqlite-utils: sessions, decisions, evidence, the queue of trials."""
