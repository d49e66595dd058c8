"""What was answered in the words of the options that stood: what a person reads, and so looks for."""

from __future__ import annotations

import json

from engine.records import Json
from storage.rows import UNREADABLE

NOTHING = "none"
MOST = 2_000  # characters that are kept of the words of one answer, and shown of it


def words_of_options(options: str, choice: str) -> str:
    """The words of the options that were chosen, from the two columns' JSON; "" where the answer has none of its own.

    A row that cannot be read has none: `verify` names it, and nothing else stops at it.
    """
    try:
        chosen = json.loads(choice)
        labels = _labels(json.loads(options))
    except UNREADABLE:
        return ""
    items = chosen.values() if isinstance(chosen, dict) else chosen if isinstance(chosen, list) else [chosen]
    return ", ".join(labels[key] for item in items if (key := json.dumps(item)) in labels)[:MOST]


def words_of_answer(options: str, choice: str) -> str:
    """The whole answer as a person reads it; a key in the words of its option."""
    try:
        return _read(json.loads(choice), _labels(json.loads(options)))[:MOST]
    except UNREADABLE:
        return choice[:MOST]


def _labels(options: Json) -> dict[str, str]:
    """The words of each option that has some, by its key as JSON spells it."""
    return {json.dumps(o["key"]): o["label"] for o in options if o.get("label")}


def _read(value: Json, labels: dict[str, str]) -> str:
    spelled = json.dumps(value)
    if spelled in labels:
        return labels[spelled]
    if value in (None, [], {}, ""):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} = {_read(v, labels)}" for name, v in value.items() if v not in (None, [], {}))
    if isinstance(value, list):
        return ", ".join(_read(v, labels) for v in value)
    return str(value)
