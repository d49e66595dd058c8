"""Whether a text begins as JSON rows do: one object a line, or an array of objects.  Light."""

from __future__ import annotations

import json
import re


def is_json(start: bytes) -> bool:
    """Told by the first line where it is whole, else by how it begins."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"["):
        return re.match(rb"\[\s*\{", text) is not None or re.match(rb"\[\s*\]\s*$", text) is not None
    if not text.startswith(b"{"):
        return False
    line, ended, _ = text.partition(b"\n")
    if not ended and len(start) >= 1 << 15:  # a long first row: it is cut off here
        return re.match(rb'\{\s*"(?:[^"\\]|\\.)*"\s*:', line) is not None
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return re.match(rb'\{\s*"(?:[^"\\]|\\.)*"\s*:', text) is not None
