"""Flags about the locked rows and the final exam: opened twice, changed after, tuned on, far from practice."""

from __future__ import annotations

from collections.abc import Iterator

from engine.metrics import figure
from engine.records import Decision
from engine.review.flag import Finding, Flag
from engine.review.record import Record, fingerprint
from engine.session import Session

FITTED_TO_ANSWERS = ("improve.threshold", "improve.calibrate", "improve.calibration")


def _opened_again(r: Record) -> Iterator[Finding]:
    for d in r.of("present.result"):
        looks = d.check.details.get("looks") if d.check else None
        if isinstance(looks, int) and looks > 1:
            yield Finding(f"The locked rows were looked at {looks} times; the result is optimistic.", d)
            return
    exams = {key for d in r.openings for key in d.evidence}
    if len(exams) > 1:
        said = f"The session took {len(exams)} different final exams, on all its branches."
        yield Finding(said, r.about("present.result"))


def _changed_after(r: Record) -> Iterator[Finding]:
    first = r.openings[0] if r.openings else None
    if first is None or not r.session.rungs:
        return
    later = [d for d in r.decisions if d.decided_at > first.decided_at and d.hash != first.hash]
    lines = (r.decisions, *r.others)
    frozen = _until(next(line for line in lines if any(d.hash == first.hash for d in line)), first)
    if not later or not frozen.rungs or fingerprint(frozen) == fingerprint(r.session):
        return
    before = frozen.snapshot()
    changed = next((d for d in later if before.get(d.name, d.choice) != d.choice), later[0])
    yield Finding(
        f"What leaves is not what was examined: after the lockbox was opened, “{changed.name}” became another.", changed
    )


def _until(line: tuple[Decision, ...], opening: Decision) -> Session:
    return Session("", "", (d for d in line if d.seq <= opening.seq))


def _tuned_on(r: Record) -> Iterator[Finding]:
    for question in FITTED_TO_ANSWERS:
        for d in r.of(question):
            if any(e.kind == "lockbox" for e in r.cited(d)):
                yield Finding(f"“{d.name}” was chosen from the answers on the locked rows.", d)
                continue
            opened = [o for o in r.openings if o.hash != d.hash and o.decided_at < d.decided_at]
            old = [e for e in r.earlier_than(d) if e.place == d.place]
            if opened and old and old[-1].choice != d.choice and d.author != "engine":
                yield Finding(f"“{d.name}” was changed to {d.choice!r} after the locked rows had been looked at.", d)


def _unexpected(r: Record) -> Iterator[Finding]:
    result = r.about("present.result")
    top = next((d for d in reversed(r.rungs) if d.stage != "present"), None)
    if result is None or top is None or result.check is None or top.check is None:
        return
    lock, dev = result.check, top.check
    ends = (lock.value, lock.low, lock.high, dev.value, dev.low, dev.high)
    value, low, high, claim, least, most = (x if x is not None else float("nan") for x in ends)
    # |lockbox − practice| > 2·√(SE² + SE²), each SE a quarter of its 95 % interval; NaN compares as “not outside”
    if abs(value - claim) > 2 * (((high - low) / 3.92) ** 2 + ((most - least) / 3.92) ** 2) ** 0.5:
        yield Finding(
            f"The lockbox said {figure(value)}, practice {figure(claim)} ({figure(least)} … {figure(most)}).", result
        )


FLAGS = (
    Flag(
        "M01", "red", "The lockbox was opened more than once",
        "the locked rows of this data were looked at by more than one exam, on any branch or in another session",
        "Each further look lets the locked rows choose the model, so the last score is no independent one.",
        "Quote the first opening, or lock new rows away and examine once on those.",
        "Kapoor & Narayanan 2023, L1.1", _opened_again,
    ),
    Flag(
        "M02", "red", "Something changed after the lockbox was opened",
        "preparation, model or cut of this branch differ from what stood when the lockbox was first opened",
        "The exam was of another model: its result says nothing about the one that leaves.",
        "Go back to what was examined, or lock new rows away for the changed one.",
        "REFORMS 2024, 2", _changed_after,
    ),
    Flag(
        "M09", "red", "A cut or a calibration was fitted to rows it was judged on",
        "it cites the final exam, or was changed after the locked rows had been looked at",
        "A cut chosen on the exam scores better there than it ever will again.",
        "Choose it on the practice exams, and examine once.",
        "scikit-learn user guide, decision threshold; decision catalogue, improve.threshold", _tuned_on,
    ),
    Flag(
        "M23", "amber", "The lockbox is far from what practice promised",
        "|lockbox − practice| > 2·√(SE² + SE²)",
        "Practice and exam measure the same thing; where they disagree, one of them has a fault, or the rows changed.",
        "Look for a leak in the practice exams, for copies across the split, and for a change over time.",
        "Decision catalogue, present.lockbox", _unexpected,
    ),
)  # fmt: skip
