"""Times as the store writes them."""

from __future__ import annotations

import datetime as dt


def iso(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601, UTC, to the millisecond: text that sorts by time."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")
