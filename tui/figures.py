"""Numbers as people read them, with one rule for each kind, everywhere in the terminal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.literal import literal

if TYPE_CHECKING:
    from engine.records import Decision, Json


def number(value: float, digits: int = 4) -> str:
    """A measured figure: as many digits as tell something, commas between thousands, as in sentences."""
    if isinstance(value, int) or (abs(value) >= 2 and float(value).is_integer()):
        return f"{int(value):,}"
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    if size >= 10:
        return f"{value:.2f}"
    if size >= 0.001 or size == 0:
        return f"{value:.{digits - 1}f}"
    return f"{value:.{digits - 1}g}"


def from_to(reference: float | None, value: float) -> tuple[str, str]:
    """A figure before ("" without one) and after, or the two ends of an axis; where one of them counts something, so
    does the other: 258 and 0."""
    counts = any(v is not None and abs(v) >= 2 and float(v).is_integer() for v in (reference, value))

    def told(v: float) -> str:
        return number(int(v) if counts and float(v).is_integer() else v)

    return ("" if reference is None else told(reference)), told(value)


def interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{number(low)} … {number(high)}"


def exact(value: float) -> str:
    """A figure that somebody chose, as it was chosen: 0.0144 is another answer than 0.014."""
    whole = isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15)
    return f"{int(value):,}" if whole else f"{value:,.6g}"


def cell(value: Json, tell: Callable[[float], str] = number) -> str:
    """Anything a table may hold, on one line.  tell: how a figure is said."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return tell(value)
    if isinstance(value, list | tuple):
        if len(value) == 2 and all(isinstance(v, float) for v in value):
            return interval(value[0], value[1])
        return ", ".join(cell(v, tell) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{literal(k)} = {cell(v, tell)}" for k, v in value.items() if v not in (None, {}, []))
    return literal(value)


def choice(value: Json) -> str:
    """An answer in words."""
    if value is None:
        return "none"
    if value in ([], "", {}):
        return "none"
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        return "; ".join(_rule(rule) for rule in value)
    return cell(value, exact)


def answered(decision: Decision) -> str:
    """What was decided, in the words of the options that stood."""
    return in_words(decision, decision.choice)


def advised(decision: Decision) -> str:
    """What was recommended, in the words of the options that stood."""
    return in_words(decision, decision.recommended)


def in_words(decision: Decision, answer: Json) -> str:
    """An answer that a decision's question takes, in the words of the options that stood."""
    texts = {json.dumps(option.key): option.text for option in decision.options}
    several = answer if isinstance(answer, list) else [answer]
    keys = [json.dumps(key) for key in several]
    if keys and all(key in texts for key in keys):
        return ", ".join(literal(texts[key]) for key in keys)
    if isinstance(answer, dict):  # of a table the values may be options
        return choice({name: texts.get(json.dumps(value), value) for name, value in answer.items()})
    return choice(answer)


def _rule(rule: dict[str, Json]) -> str:
    if "otherwise" in rule:
        return f"otherwise {cell(rule['otherwise'], exact)}"
    if "when" in rule:
        then = f" → {cell(rule['then'], exact)}" if "then" in rule else ""
        return f"{literal(rule['when'])}{then}"
    return cell(rule)


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 3:05, 1:02:10."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ago(moment: str, now: dt.datetime) -> str:
    """How long since an ISO 8601 moment: now, 5 min, 3 h, 12 d, else the date.  Empty when it cannot be read."""
    try:
        then = dt.datetime.fromisoformat(moment)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=dt.UTC)
    seconds = (now - then).total_seconds()
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 86400:
        return f"{seconds / 3600:.0f} h"
    if seconds < 86400 * 30:
        return f"{seconds / 86400:.0f} d"
    return then.date().isoformat()
