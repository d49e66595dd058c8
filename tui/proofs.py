"""A piece of evidence in a few words: what was measured, of which model, and the figure."""

from __future__ import annotations

from engine.metrics import title_of
from engine.models.catalogue import BY_NAME as MODELS
from engine.records import Evidence
from tui.figures import interval, number

KINDS = {
    "cross_validate": "practice exams",
    "profile": "profile of the columns",
    "split": "the rows parted",
    "look": "a look at the rows",
    "leaks": "search for leaks",
    "probe": "the change tried",
    "preview": "before and after",
    "learning_curve": "learning curve",
    "errors": "errors",
    "importance": "importance",
    "latency": "latency",
    "lockbox": "the locked rows",
    "final": "the model fitted on all rows",
    "linear": "weights",
    "worth": "what it is worth",
}


def told(e: Evidence) -> str:
    """One line; what comes from data or people in it is not made literal yet."""
    words = KINDS.get(e.kind, e.kind.replace("_", " "))
    model, metric, value = (e.value.get(name) for name in ("model", "metric", "value"))
    name = model.get("name") if isinstance(model, dict) else None
    if isinstance(name, str):
        words = f"{MODELS[name].title if name in MODELS else name}, {words}"
    if isinstance(metric, str) and isinstance(value, int | float) and not isinstance(value, bool):
        low, high = e.value.get("low"), e.value.get("high")
        spread = interval(low, high) if isinstance(low, int | float) and isinstance(high, int | float) else ""
        words += f": {title_of(metric)} {number(value)}" + (f" ({spread})" if spread else "")
    return words if e.ok else f"{words}: {e.error}"
