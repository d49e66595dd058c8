"""What was learned, drawn from the journal: what moved the metric, what did not, what was overruled, what it cost.

The person edits it; what is said here is only what stands in decisions and their checks.  (Decision catalogue,
present.lessons.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from engine.metrics import Metric, figure
from engine.records import Decision, Json
from engine.session import Rung, Session
from engine.stages.columns import counted, listed
from engine.stages.ladder import interval, title

MOST = 4  # of one kind that are named
ROUNDS = {"improve.accept": "accept", "improve.keep_feature": "keep"}  # the answer that takes what was tried
STAGES = {"define": "the problem", "prepare": "the data", "baseline": "the baseline", "simple": "simple models",
          "deep": "networks", "present": "the final exam"}  # fmt: skip


def lessons(s: Session, m: Metric) -> str:
    """All of it as sentences, one after the other."""
    lines = [_claim(s, m), _moved(s, m), _not_better(s, m), *_rounds(s, m), *_preparation(s), *_network(s), _leaks(s),
             _weak(s), _overruled(s), _spent(s)]  # fmt: skip
    return " ".join(line for line in lines if line)


def _claim(s: Session, m: Metric) -> str:
    """What the locked rows said of what practice had promised."""
    result, rungs = s.decision("present.result"), s.rungs
    check = result.check if result is not None else None
    if result is None or check is None or check.value is None:
        return "No final exam was taken: every figure is from practice."
    top = rungs[-1]
    said = f"Practice promised {figure(top.value)} {m.title} ({interval(top.low, top.high)}), the final exam gave "
    said += f"{figure(check.value)} ({interval(check.low, check.high)})"
    if check.reference is not None:
        reached = {"shown": "is reached", "likely": "is likely reached", "not_met": "is not reached"}.get(result.choice)
        said += f"; the line of {figure(check.reference)} {reached}" if reached else ""
    return said + "."


def _moved(s: Session, m: Metric) -> str:
    """Each rung after the one before; the first rung is where it began."""
    told = []
    for before, after in pairwise(s.rungs):
        diff, found = _difference(before, after)
        change = f"{'higher' if diff >= 0 else 'lower'} by {figure(abs(diff))}{found}"
        told.append(f"{title(after.described)} after {title(before.described)}: {m.title} {change}")
    if not told:
        return f"One rung only: {title(s.rungs[-1].described)}."
    return f"What moved it: {'; '.join(told)}."


def _difference(before: Rung, after: Rung) -> tuple[float, str]:
    """In the metric's own unit, with its interval where the same exams were compared."""
    found: Mapping[str, Json] = after.details.get("comparison") or {}
    diff, low, high = found.get("diff"), found.get("lower"), found.get("upper")
    plain, alpha = after.value - before.value, found.get("alpha") or 0.05
    if diff is None or low is None or high is None or abs(abs(diff) - abs(plain)) > 1e-9 + 0.01 * abs(plain):
        return plain, ""  # held against another model than the rung below
    ends = sorted((abs(low), abs(high))) if low * high > 0 else sorted((low, high))
    return plain, f" ({100 * (1 - 2 * alpha):.3g} % interval {figure(ends[0])} … {figure(ends[1])})"


def _not_better(s: Session, m: Metric) -> str:
    """The models that took the same exams as the champion and were not taken."""
    chosen = s.decision("simple.champion")
    if chosen is None:
        return ""
    rungs = {rung.model for rung in s.rungs}
    others = [o for o in chosen.options if o.key != chosen.choice and o.key not in rungs and o.figures.get("gain")]
    told = [f"{o.text} ({o.figures['gain']} over {o.figures.get('over') or 'what stood'})" for o in others]
    return f"Simple models that were not taken, gain in {m.title}: {listed(told, MOST)}." if told else ""


def _rounds(s: Session, m: Metric) -> list[str]:
    """Improvements: how many were tried, which were taken, and by how much."""
    tried = [d for d in s.decisions() if d.question in ROUNDS]
    if not tried:
        return []
    taken = [d for d in tried if d.choice == ROUNDS[d.question]]
    lines = [f"{counted(len(tried), 'improvement')} tried, {len(taken) or 'none'} accepted."]
    for d in sorted(tried, key=lambda d: (d not in taken, -abs(_gain(d) or 0.0)))[:MOST]:
        gain = _gain(d)
        said = f" (gain {gain:+.3g} {m.title})" if gain is not None else ""
        lines.append(f"{_tried(d)}{said}: {'accepted' if d in taken else 'not accepted'}.")
    return lines


def _tried(d: Decision) -> str:
    """The name of what was tried: of a model the words that it was offered in."""
    if d.question == "improve.accept":
        offered = next((o.text for o in d.options if o.key == "accept"), d.subject)
        return offered.removeprefix("Take ")
    return f"the column {_change(d)}"


def _gain(d: Decision) -> float | None:
    """How much better what was tried was, positive where it was."""
    found = (d.check.details.get("comparison") or {}) if d.check is not None else {}
    gain = found.get("diff")
    return float(gain) if isinstance(gain, int | float) else None


def _preparation(s: Session) -> list[str]:
    tried = [d for d in s.decisions() if d.question == "data.keep"]
    features = [d for d in s.decisions() if d.question == "data.features"]
    kept = [_change(d) for d in tried if d.choice != "undo"]
    kept += [f"the column “{d.subject}”" for d in features if d.choice == "keep"]
    undone = [_change(d) for d in tried if d.choice == "undo"]
    undone += [f"the column “{d.subject}”" for d in features if d.choice != "keep"]
    return [
        *([f"Changes of the data that were kept: {listed(kept)}."] if kept else []),
        *([f"Tried and left out: {listed(undone)}."] if undone else []),
    ]


def _change(d: Decision) -> str:
    """“Tried: extreme values: bend them in. Keep it?” without what is asked of it."""
    words = d.prompt.removeprefix("Tried: ").removesuffix(" Keep it?").rstrip(".")
    return words or d.subject


def _network(s: Session) -> list[str]:
    net, gate = s.decision("deep.compare"), s.decision("deep.gate")
    if net is not None and net.choice == "reject":
        return [f"The network was not kept. {net.why}"]
    if gate is not None and gate.choice == "not_yet":
        return ["No network was trained: the gate stayed closed."]
    return []


def _leaks(s: Session) -> str:
    dropped = [column for column, choice in s.about("data.leaks").items() if choice == "drop"]
    return f"Left out as leaks: {listed(dropped)}." if dropped else ""


def _weak(s: Session) -> str:
    """Where it is wrong more than elsewhere; the largest first, as they were asked about."""
    found = [d for d in s.decisions() if d.question == "improve.errors" and d.subject]
    told = [_times(d) for d in found[:MOST]]
    return f"It is weakest where {listed(told)}." if told else ""


def _times(d: Decision) -> str:
    check = d.check
    if check is None or check.value is None or not check.reference:
        return d.subject
    return f"{d.subject} ({check.metric} {figure(check.value)}, elsewhere {figure(check.reference)})"


def _overruled(s: Session) -> str:
    found = [d for d in s.decisions() if d.overruled]
    if not found:
        return ""
    told = [f"“{d.prompt}” {_said(d)}" if d.prompt else d.name for d in found]
    more = f" and {len(told) - MOST} more" if len(told) > MOST else ""
    return f"Against the recommendation: {'; '.join(told[:MOST])}{more}."


def _said(d: Decision) -> str:
    """A choice in the words it was offered in; other answers are short or not said."""
    for option in d.options:
        if option.key == d.choice and isinstance(option.key, bool) == isinstance(d.choice, bool):
            return option.text
    return str(d.choice) if isinstance(d.choice, str | int | float) and len(str(d.choice)) <= 40 else "changed"


def _spent(s: Session) -> str:
    """What was computed, and how long people sat at the questions."""
    stages = [(STAGES.get(stage, stage), seconds) for stage, seconds in s.spent.items() if seconds >= 1]
    people = sum(d.seconds for d in s.decisions() if d.author == "person")
    told = []
    if stages:
        parts = listed(f"{name} {duration(seconds)}" for name, seconds in stages)
        told.append(f"computing {duration(sum(s.spent.values()))}" + (f" ({parts})" if len(stages) > 1 else ""))
    if people >= 1:
        told.append(f"a person's time at the questions {duration(people)}")
    return f"What it cost: {'; '.join(told)}." if told else ""


def sentences(written: str) -> list[str]:
    """The lessons one by one, as they were written: an end is a full stop before a capital, a figure or a quotation."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z0-9“])", written.strip())


def duration(seconds: float) -> str:
    """“40 s”, “12 min”, “3.5 h”."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
