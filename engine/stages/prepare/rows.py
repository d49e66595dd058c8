"""Rows that repeat, and rows whose label cannot be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine.effects import Ask, Conversation, Decide
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import FEW_TO_EXAMINE, FEW_TO_JUDGE, Session
from engine.stages.columns import Profile, counted, listed, percent

DUPLICATES = Question(
    "data.duplicates",
    "{copies}. What are copies here?",
    options=(
        Option("keep", "Keep them, on the same side of every split"),
        Option("equal", "Keep equal ones together", "near copies may be parted"),
        Option("repeats", "Real repeats", "different cases that happen to look alike; split freely"),
    ),
    source="Kapoor & Narayanan 2023, L1.4",
    whys=(
        Why("Why together?", "Copies on both sides of a split are remembered, not predicted.", "KN L1.4"),
        Why("What is a near copy?", "{near}", "Broder 1997; Charikar 2002"),
    ),
)
NEAR = {
    "text": "A text that is equal but for case and signs, or that has 9 in 10 of its five-letter pieces in common.",
    "image": "A picture that was saved again, drawn to another size or made lighter: its average hash differs in at "
    "most 4 of 64 bits, and its pixels beyond the mean picture correlate at 0.98 or more.",
}
LARGEST = 0.2  # of the rows in one chain of near copies, from which they are no copies but one kind of thing
LABELS = Question(
    "data.target_quality",
    "Can the labels be trusted?",
    options=(
        Option("drop", "Leave out the rows without a label"),
        Option("merge", "Put the rarest classes together", "those with fewer than 20 rows become one class, “other”"),
        Option(
            "leave_out", "Leave out the rarest classes", "rows of a class with fewer than 10; it is never predicted"
        ),
    ),
    source="S002 quality; REFORMS 3d",
    whys=(
        Why("Why not fill them in?", "A label made by a model teaches the next model to agree with it."),
        Why("Why not keep a class of a few rows?", "A part of the exams would hold none of it: its score is luck."),
    ),
)


def rows(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    """Copies and labels: structure, asked of all rows."""
    yield _ask_duplicates(s, profile, seen)
    yield _decide_labels(s, profile, seen)


def _ask_duplicates(s: Session, profile: Profile, seen: Evidence) -> Ask:
    found = profile.value["duplicates"]
    copies = found["exact"]
    near = (found.get("near") or {}) if s.material in NEAR else {}
    best, why = _best(found, near, profile.rows)

    def judge(choice: Json) -> Judgement:
        check = Check("copies", copies, reference=profile.rows, protocol="all columns")
        if near:
            check = Check("copies and near copies", copies + near["rows"], reference=profile.rows, protocol="all rows")
        if choice == "repeats" and best != "repeats" and copies:
            return Judgement(
                (Objection(Level.HOLD, f"{copies:,} copies would be on both sides of the splits."),), check
            )
        if choice != "keep" and best == "keep" and near.get("rows"):
            what = f"{near['rows']:,} near copies would be on both sides of the splits."
            return Judgement((Objection(Level.HOLD, what),), check)
        return Judgement(check=check)

    said = counted(copies, "row is a copy", "rows are copies")
    facts = {"copies": f"{said[0].upper()}{said[1:]} of another row", "near": NEAR.get(s.material, _NO_NEAR)}
    if near.get("rows"):
        facts["copies"] += f", {counted(near['rows'], 'is a near copy', 'are near copies')}"
    options = tuple(o for o in DUPLICATES.options if o.key != "equal" or s.material in NEAR)
    return Ask(
        DUPLICATES, options=options, recommended=best, reason=why, evidence=(seen,), facts=facts, judge=judge
    )  # fmt: skip


_NO_NEAR = "Only texts and pictures have near copies; rows of a table are copies when all their inputs are equal."


def _best(found: Mapping[str, Json], near: Mapping[str, Json], rows: int) -> tuple[str, str]:
    """The advice for copies and near copies, and why."""
    copies, alike = found["exact"], near.get("rows", 0)
    share = copies / max(rows, 1)
    # Few columns of few values: tying equal rows together would tie nearly all of them.  That is so where independent
    # columns would agree about as often, or where each row is there many times over.
    by_chance = found.get("pairs_by_chance", math.inf) > 0.1 * found.get("pairs", 0) or copies > 0.8 * rows
    if share > 0.2 and by_chance:
        return "repeats", f"{copies:,} rows ({percent(share)}) look like another: so few values repeat by chance."
    if near.get("largest", 0) > LARGEST * rows:
        return "equal", (
            f"One chain of near copies takes {percent(near['largest'] / rows)} of the rows: that is one kind of thing, "
            "not copies, and tied together nothing could be split."
        )
    if not copies and not alike:
        return "keep", "No row repeats another; should copies appear when a column is left out, they stay on one side."
    said = [counted(copies, "row repeats", "rows repeat") + " another exactly."] if copies else []
    if alike:
        said.append(
            f"{counted(alike, 'row is a near copy', 'rows are near copies')} of another, in "
            f"{counted(near['clusters'], 'set')}."
        )
    return "keep", f"{' '.join(said)} On both sides of a split they would be remembered, not predicted."


def _decide_labels(s: Session, profile: Profile, seen: Evidence) -> Ask:
    missing = profile.columns[s.target]["missing"]
    had = counted(missing, "row has", "rows have")
    why = f"{had} no “{s.target}”; left out." if missing else "Every row has a label."
    check = Check("rows without label", missing, reference=profile.rows, protocol="all rows")
    classes = profile.classes(s.target) if s.classifies else {}
    rare = {label: n for label, n in classes.items() if n < FEW_TO_EXAMINE}
    if not rare:
        return Decide(LABELS, "drop", why, evidence=(seen,), judgement=Judgement(check=check))
    said = listed(f"“{label}” has {counted(n, 'row')}" for label, n in rare.items())
    why += f" {said}: too few to be examined."
    flag = Objection(Level.FLAG, "A class with fewer than 10 rows cannot be examined.")
    named = s.costs is not None or bool(s.choice("problem.rule", default=[]))  # they speak of the classes as they are
    if named or len(classes) - len(rare) < 2:
        return Decide(LABELS, "drop", why, evidence=(seen,), judgement=Judgement((flag,), check))
    together = merged(classes)
    best = "merge" if together >= FEW_TO_JUDGE and len(after(classes, "merge")) > 2 else "leave_out"
    if best == "merge":
        why += f" The classes with fewer than {FEW_TO_JUDGE} have {counted(together, 'row')} together: one class."
    else:
        why += f" Without {counted(sum(rare.values()), 'row')} of {profile.rows:,} the others can be examined."

    def judge(choice: Json) -> Judgement:
        if choice == "drop":
            return Judgement((flag,), check)
        below = FEW_TO_JUDGE if choice == "merge" else FEW_TO_EXAMINE
        unnamed = listed(f"“{label}”" for label, n in classes.items() if n < below)
        return Judgement((Objection(Level.FLAG, f"{unnamed} will never be predicted by name."),), check)

    return Ask(LABELS, recommended=best, reason=why, evidence=(seen,), judge=judge)


def merged(classes: Mapping[str, int]) -> int:
    """Rows of the classes that would be put together."""
    return sum(n for n in classes.values() if n < FEW_TO_JUDGE)


def after(classes: Mapping[str, int], choice: Json) -> dict[str, int]:
    """Rows per class once the rarest are put together or left out."""
    if choice == "merge":
        kept = {label: n for label, n in classes.items() if n >= FEW_TO_JUDGE}
        rows = merged(classes)
        return {**kept, "other": kept.get("other", 0) + rows} if rows else kept
    if choice == "leave_out":
        return {label: n for label, n in classes.items() if n >= FEW_TO_EXAMINE}
    return dict(classes)


QUESTIONS = (DUPLICATES, LABELS)
