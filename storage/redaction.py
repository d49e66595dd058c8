"""What is left of evidence when raw values are to stay at home: figures, verdicts, names of models and metrics.

Left out wholly are kinds of evidence that show what cells hold (profiles, looks, previews, errors), and every file:
rows that were shown, out-of-fold answers, models, which may remember rows.  In what stays, a text stays only under a
name that this program itself fills in, and classes are numbered instead of named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.records import Evidence, Json

KEPT_KINDS = frozenset(
    ("cross_validate", "compare", "latency", "learning_curve", "probe", "split", "lockbox", "device", "sanity", "final",
     "calibration", "threshold")
)  # fmt: skip
LEFT_OUT = "It was left out of the bundle with all raw values; the whole session, or the data, has it."

_TEXTS = frozenset(
    ("metric", "name", "family", "verdict", "reason", "plan_hash", "lockbox_hash", "method", "advice", "unit", "device",
     "chosen", "format", "kind", "id", "loss")
)  # fmt: skip
_BY_CLASS = frozenset(("classes", "lockbox_classes"))
_NEVER = frozenset(
    (
        "columns",
        "schema",
        "worst",
        "worst_when",
        "rows_digest",
        "oof",
        "artifact",
        "examples",
        "settings",
        "slices",
        "groups",
    )
)


def redacted(evidence: Evidence) -> Evidence:
    """The same evidence without raw values; with an error that says so where nothing of it can stay."""
    if evidence.kind not in KEPT_KINDS:
        return replace(evidence, value={}, error=LEFT_OUT)
    value = _kept("", dict(evidence.value))
    return replace(evidence, value=value, error=LEFT_OUT if evidence.error else "")


def _kept(name: str, value: Json) -> Json:
    if isinstance(value, Mapping):
        if name in _BY_CLASS:
            return {f"class {i}": _kept("", v) for i, v in enumerate(value.values(), 1)}
        return {k: _kept(str(k), v) for k, v in value.items() if k not in _NEVER and _may_stay(str(k), v)}
    if isinstance(value, list):
        return [_kept(name, v) for v in value if _may_stay(name, v)]
    return value


def _may_stay(name: str, value: Json) -> bool:
    return not isinstance(value, str) or name in _TEXTS
