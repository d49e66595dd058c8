"""Records as rows, and back, exactly.

JSON columns hold the canonical spelling.  A lone surrogate (what Python makes of a name in a wrong encoding) is no
character and cannot stand in SQLite's UTF-8 text: JSON escapes it; in a plain text column it is written visibly, as
`\\udcff`, and the column `exact` keeps the text in full, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from json.encoder import encode_basestring as _quoted
from typing import Any

from engine.records import Check, Decision, Evidence, Json, Option, Trial, canonical, digest

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # of a row that is not as we write it

_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON = ("options", "recommended", "choice", "flags", "evidence")
_CHECK_TEXT = ("metric", "protocol", "verdict")
_CHECK_FIGURES = ("value", "low", "high", "reference")
_CHECK = (*_CHECK_TEXT, *_CHECK_FIGURES, "details")  # all NULL where there was none
_TEXT = (
    *("stage", "question", "subject", "prompt", "reason", "why", "why_author", "why_verdict", "author", "level"),
    *("asked", "decided_at", "environment"),
)


def visible(text: str) -> str:
    """The text as UTF-8 can hold it: each lone surrogate as its escape."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def to_json(value: Json) -> str:
    """The canonical spelling, as UTF-8 can hold it.  Raises ValueError for NaN and infinity, TypeError for no JSON."""
    return visible(canonical(value))


def _real(figure: float) -> float:
    """The figure as a REAL column gives it back: SQLite knows no negative zero.  Raises ValueError when not finite."""
    if not math.isfinite(figure):
        raise ValueError(f"{figure} is not JSON compliant")
    return float(figure) + 0.0


def decision_row(decision: Decision) -> dict[str, Any]:
    """The columns of a decision, all but id and branch."""
    check = decision.check
    texts = {name: getattr(decision, name) for name in _TEXT}
    texts |= {name: getattr(check, name) for name in _CHECK_TEXT} if check else {}
    exact = {name: text for name, text in texts.items() if _SURROGATE.search(text)}
    row: dict[str, Any] = dict.fromkeys(_CHECK) | {name: visible(text) for name, text in texts.items()}
    row["options"] = to_json([asdict(option) for option in decision.options])
    if check:
        figures = {name: getattr(check, name) for name in _CHECK_FIGURES}
        row |= {name: None if figure is None else _real(figure) for name, figure in figures.items()}
        row["details"] = to_json(dict(check.details))
    for name in ("recommended", "choice"):
        row[name] = to_json(getattr(decision, name))
    for name in ("flags", "evidence"):
        row[name] = to_json(list(getattr(decision, name)))
    return row | {
        "seq": decision.seq,
        "overruled": int(decision.overruled),
        "seconds": _real(decision.seconds),
        "supersedes": decision.supersedes,
        "prev_hash": decision.prev_hash,
        "hash": decision.hash,
        "exact": to_json(exact) if exact else None,
    }


def decision_from(row: Mapping[str, Any]) -> Decision:
    """The decision that `decision_row` wrote.  Raises one of UNREADABLE for what it never writes.

    Written out field by field: of ten thousand decisions each microsecond is a hundredth of a second before a person
    sees the first.
    """
    if row["exact"]:
        row = dict(row)
        for name, text in _loads(row["exact"]).items():
            if row.get(name) == visible(text):  # a column that was edited since shows, and breaks the chain
                row[name] = text
    check = None
    if row["metric"] is not None:
        figures = (row["value"], row["low"], row["high"], row["reference"])
        check = Check(row["metric"], *figures, row["protocol"], row["verdict"], _loads(row["details"]))
    return Decision(
        row["stage"], row["question"], row["subject"], row["prompt"],
        tuple(_option(option) for option in _items(row["options"])),
        _loads(row["recommended"]), row["reason"], _loads(row["choice"]), row["why"], row["why_author"],
        row["why_verdict"], row["author"], bool(row["overruled"]), row["level"], _items(row["flags"]), check,
        _items(row["evidence"]), row["asked"], row["decided_at"], row["seconds"], row["environment"],
        row["supersedes"], row["seq"], row["prev_hash"], row["hash"],
    )  # fmt: skip


_DECODER = json.JSONDecoder()


def _loads(text: str) -> Json:
    """`json.loads` for text that we wrote ourselves, without blanks around it; any other is left to the real one."""
    try:
        value, end = _DECODER.scan_once(text, 0)  # type: ignore[attr-defined]  # what `decode` itself calls
    except StopIteration:
        return json.loads(text)
    return value if end == len(text) else json.loads(text)


def _items(text: str) -> tuple[Json, ...]:
    """A JSON array; mostly an empty one."""
    return () if text == "[]" else tuple(_loads(text))


def _option(raw: Mapping[str, Json]) -> Option:
    """Fields that a newer version added are left out."""
    return Option(raw["key"], raw.get("label", ""), raw.get("note", ""), raw.get("figures", {}))


# A decision's fields in the order of their names, as the canonical spelling has them, each as its column gives it.
_CHECK_SPELLED = ("details", "high", "low", "metric", "protocol", "reference", "value", "verdict")
_SPELLED = sorted([*_TEXT, *_JSON, "check", "overruled", "prev_hash", "seconds", "seq", "supersedes"])
_JSON_COLUMNS = frozenset((*_JSON, "details"))
_FIGURES = frozenset(("value", "low", "high", "reference", "seconds"))


def spelled_hash(row: Mapping[str, Any]) -> str:
    """The hash of a decision, put together from its columns as they stand; "" where only reading it can tell.

    Every JSON column must be valid JSON by itself: then no other contents of the columns spell the same text.  A hash
    that does not fit says nothing yet, as columns may be spelled otherwise than we do.
    """
    if row["exact"]:
        return ""
    try:
        check = "null" if row["metric"] is None else _spelled(row, _CHECK_SPELLED, "null")
        return hashlib.sha256(_spelled(row, _SPELLED, check).encode()).hexdigest()
    except (TypeError, ValueError):
        return ""


def _spelled(row: Mapping[str, Any], names: Sequence[str], check: str) -> str:
    parts = []
    for name in names:
        if name == "check":
            text = check
        elif (value := row[name]) is None:
            text = "null"
        elif name in _JSON_COLUMNS:
            text = value
        elif name in _FIGURES:
            text = float.__repr__(value)
        elif name == "overruled":
            text = "true" if value else "false"
        elif type(value) is int:
            text = str(value)
        else:
            text = _quoted(value)
        parts.append(f'"{name}":{text}')
    return "{" + ",".join(parts) + "}"


def as_kept(decision: Decision) -> Decision:
    """The decision as it will be read back, e.g. with lists for tuples and text for numbers as keys.

    A decision is sealed in this form, so that its hash is that of the row.
    """
    return decision_from(decision_row(decision))


EVIDENCE_COLUMNS = (
    "key", "kind", "value", "error", "seconds", "cpu_seconds", "peak_memory_mb", "device", "environment",
    "computed_at", "digest",
)  # fmt: skip


def evidence_row(evidence: Evidence) -> dict[str, Any]:
    """The columns of evidence, with a digest over all of them."""
    row: dict[str, Any] = {
        "key": evidence.key,
        "kind": evidence.kind,
        "value": to_json(dict(evidence.value)),
        "error": visible(evidence.error),
        "seconds": _real(evidence.seconds),
        "cpu_seconds": _real(evidence.cpu_seconds),
        "peak_memory_mb": _real(evidence.peak_memory_mb),
        "device": visible(evidence.device),
        "environment": evidence.environment,
        "computed_at": evidence.computed_at,
    }
    return row | {"digest": evidence_digest(row)}


def evidence_digest(row: Mapping[str, Any]) -> str:
    """The digest that a row of evidence should have."""
    return digest({name: value for name, value in row.items() if name != "digest"})


def evidence_from(row: Mapping[str, Any]) -> Evidence:
    values = {name: value for name, value in row.items() if name != "digest"}
    return Evidence(**{**values, "value": json.loads(values["value"])})


def trial_row(trial: Trial) -> dict[str, Any]:
    """The columns of a trial that say what is to be computed."""
    return {
        "key": trial.key,
        "kind": trial.kind,
        "label": visible(trial.label),
        "params": to_json(dict(trial.params)),
        "data": trial.data,
        "seed": trial.seed,
        "uses": to_json(list(trial.uses)),
    }


def trial_from(row: Mapping[str, Any]) -> Trial:
    params, uses = json.loads(row["params"]), tuple(json.loads(row["uses"]))
    return Trial(row["kind"], params, row["data"], row["seed"], uses, row["label"])
