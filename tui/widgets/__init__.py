"""Widgets: each takes plain data, posts a typed message and decides nothing."""
