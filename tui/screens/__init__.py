"""Screens: each listens to its widgets and asks the session."""
