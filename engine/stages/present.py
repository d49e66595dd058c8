"""Present: freeze, open the lockbox once, keep the model that leaves, and say what was learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.conductor import Stage, needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import Metric, figure
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Rung, Session
from engine.stages import handing_over
from engine.stages.deep.training import TAKEN_UP
from engine.stages.ladder import interval, metric, title, with_interval
from engine.stages.lessons import lessons
from engine.views import Intervals, Table, View

FREEZE = Question(
    "present.freeze",
    "{champion}: this is the one. No more changes?",
    asks="person",
    options=(Option("freeze", "Freeze it"),),
    whys=(
        Why("Why freeze?", "After the exam nothing may change, or the exam was practice.", "REFORMS 2"),
        Why("What is frozen?", "The model, its settings, the preparation and the cut: {frozen}."),
        Why("What if I am not sure?", "Go back now; opening the lockbox twice is counted for ever."),
    ),
    source="S001 finalise; REFORMS 2024",
)
OPEN = Question(
    "present.lockbox",
    "Open the lockbox?",
    asks="person",
    options=(Option("open", "Open it, once"), Option("not_yet", "Not yet")),
    whys=(
        Why("Why only once?", "Each further look lets the rows teach, and they were kept to judge.", "KN L1.1"),
        Why("What will be said?", "{reason}"),
        Why("What if the score falls short?", "Then that is the answer; a new attempt needs new locked rows."),
    ),
    source="Kapoor & Narayanan 2023, L1.1; S002",
)
AGAIN = replace(  # the same question where no rows are locked away
    OPEN,
    prompt="No rows were locked away. Examine the frozen model once more?",
    options=(Option("open", "Examine it, with fresh seeds"), Option("not_yet", "Not yet")),
)
RESULT = Question(
    "present.result",
    "What did the lockbox say?",
    options=(
        Option("shown", "Your line is reached, shown"),
        Option("likely", "Your line is reached, likely"),
        Option("not_met", "Your line is not reached"),
        Option("no_line", "No line was set"),
    ),
    source="Decision catalogue 2.10; Bates, Hastie & Tibshirani",
    whys=(
        Why("Whose score is it?", "Of the model fitted to the rows for practice only; that is the claim that holds."),
    ),
)
REFIT = Question(
    "present.refit",
    "Which rows teach the model that leaves?",
    options=(
        Option("all", "All labelled rows", "the interval is then quoted for the model before the refit"),
        Option("development", "The rows for practice only", "exactly the model that was examined"),
    ),
    source="Bates, Hastie & Tibshirani",
    whys=(
        Why("Why all?", "More rows rarely hurt; and the exam is over."),
        Why("Is the interval still true?", "It is of the model before the refit, and is quoted so."),
        Why("When not?", "When an inspector must see the very model that was examined."),
    ),
)
EXPORT = Question(
    "present.export",
    "The model that leaves is kept.",
    options=(Option("kept", "Kept, without pickle"),),
    source="S001 saved model; S000 reusable pipelines",
)
LESSONS = Question(
    "present.lessons",
    "What worked, what did not, what would you do next?",
    Form.TEXT,
    whys=(
        Why("Why write it down?", "The next project starts from here.", "S001 lessons learned; S002 look back"),
        Why("What is prefilled?", "Every step that was accepted, every one that was not, and the overrules."),
        Why("What only you know?", "What may break in use, and whom to ask then."),
    ),
    fact=True,
    source="S001; S002; S004",
)

QUESTIONS = (
    FREEZE, OPEN, RESULT, REFIT, EXPORT, handing_over.GUARD, handing_over.CARD, LESSONS, handing_over.NEXT,
)  # fmt: skip


def present(s: Session) -> Conversation:
    m = metric(s)
    rungs = s.rungs
    top = rungs[-1]
    frozen = f"{title(top.described)}, settings and preparation as recorded"
    yield Ask(
        FREEZE,
        recommended="freeze",
        reason=f"{title(top.described)} stands last on the ladder: {figure(top.value)} {m.title}"
        f" ({interval(top.low, top.high)}).",
        facts={"champion": title(top.described), "frozen": frozen},
        shows=(ladder(m, rungs, s.choice("problem.success")),),
        judge=lambda _: _judge_frozen(s, m, top),
    )
    locked = bool(s.locked)
    opened = yield _ask_open(s, rungs, locked)
    if opened.choice == "open":
        (result,) = yield Measure((_exam(s, rungs),), "The one final exam")
        yield _decide_result(s, m, result, top)

    refit = yield Ask(
        REFIT,
        recommended="all",
        reason=("The exam is over" if opened.choice == "open" else "Nothing more is examined")
        + "; every labelled row may teach now, and the interval is quoted for the model before.",
    )
    params = {
        "recipe": s.recipe(),
        "model": top.described,
        "rows": refit.choice,
        "threshold": s.choice("improve.threshold"),
    }
    (kept,) = yield Measure(
        (Trial("final", params, s.data, label="fitting the model that leaves"),), "Keeping the model"
    )
    v = needed([kept])[0]
    yield Decide(
        EXPORT,
        "kept",
        f"{title(top.described)}, {v['parameters']:,} parameters, {v['bytes']:,} bytes as {v['format']}.{cut_short(v)}",
        evidence=(kept,),
        check=Check("bytes", v["bytes"], protocol=v["format"], details={"artifact": v["artifact"]}),
    )
    yield from handing_over.guard(s, top)
    yield handing_over.ask_card(s)
    yield Ask(LESSONS, recommended=lessons(s, m), reason="Drawn from the journal; add what only you know.")
    yield handing_over.ask_next(s, m, top)


def _judge_frozen(s: Session, m: Metric, top: Rung) -> Judgement:
    """A model whose errors nobody has looked at is frozen only with a reason (improve.errors)."""
    check = Check(m.name, top.value, top.low, top.high, protocol="practice exams")
    if top.stage != "baseline" and s.decision("improve.errors") is None:
        message = "Nobody has looked at where it is wrong: one terrible prediction costs trust."
        return Judgement((Objection(Level.HOLD, message),), check)
    return Judgement(check=check)


def _ask_open(s: Session, rungs: tuple[Rung, ...], locked: bool) -> Ask:
    """Locked rows are counted across branches and sessions of the same data: a second look is never the first again."""
    here, elsewhere = s.looks(_exam(s, rungs).key) if locked else (0, 0)
    if not locked:
        why = "Its practice exams are drawn anew, on rows that it was chosen by: a check, and no independent exam."
    elif here + elsewhere == 0:
        why = "The frozen model is fitted to the rows for practice, and asked about the locked ones once."
    else:
        why = f"The locked rows of this data were looked at {often(here + elsewhere)} before; the result will say so."

    def judge(choice: Json) -> Judgement:
        check = Check("earlier looks", here + elsewhere, protocol="this data, all branches and sessions of this store")
        if choice != "open" or not locked or here + elsewhere == 0:
            return Judgement(check=check)
        if here:
            message = f"This session has opened it {often(here)}; another look lets the locked rows choose the model."
        else:
            message = "Another exam has looked at locked rows of this data: say why this look is needed too."
        return Judgement((Objection(Level.HOLD, message, "M01"),), check)

    return Ask(OPEN if locked else AGAIN, recommended="not_yet" if here else "open", reason=why, judge=judge)


def often(times: int) -> str:
    return {1: "once", 2: "twice"}.get(times, f"{times} times")


def ladder(m: Metric, rungs: tuple[Rung, ...], line: float | None) -> Intervals:
    rows = [(title(r.described), r.value, r.low, r.high) for r in rungs]
    return Intervals(f"The ladder, {m.title}", m.title, rows, line)


def _exam(s: Session, rungs: tuple[Rung, ...]) -> Trial:
    """The accepted rung, beside the best baseline and the best simple model."""
    base = _baseline(rungs)
    simple = next((r for r in reversed(rungs) if r.stage == "simple"), rungs[-1])
    params = {
        "recipe": s.recipe(),
        "model": rungs[-1].described,
        "baseline": base.described,
        "simple": simple.described,
        "threshold": s.choice("improve.threshold"),
    }
    return Trial("lockbox", params, s.data, label="the one final exam")


def _baseline(rungs: tuple[Rung, ...]) -> Rung:
    return [r for r in rungs if r.stage == "baseline"][-1]


def _decide_result(s: Session, m: Metric, result: Evidence, top: Rung) -> Ask:
    v = needed([result])[0]
    line = s.choice("problem.success")
    base = v["baseline"]["value"]
    floor = title(_baseline(s.rungs).described)
    end = v["low"] if m.higher_is_better else v["high"]
    if line is None:
        choice = "no_line"
    elif end is not None and m.oriented(end) >= m.oriented(line):
        choice = "shown"
    else:
        choice = "likely" if m.oriented(v["value"]) >= m.oriented(line) else "not_met"
    reached = {
        "shown": "reached by the whole interval",
        "likely": "reached, but not by the whole interval",
        "not_met": "not reached",
    }
    why = f"{figure(v['value'])} {m.title} ({interval(v['low'], v['high'])}); {floor} {figure(base)}; " + (
        "no success line was set." if line is None else f"success line {figure(line)}: {reached[choice]}."
    )
    found: list[Objection] = []
    opening = s.decision("present.lockbox")
    looks = int(opening.check.value or 0) if opening and opening.check else 0
    if looks:
        why += f" Looked at {often(looks)} before: optimistic."
    why += cut_short(v)
    if _outside(v, top):
        found.append(Objection(Level.FLAG, "The lockbox lies outside the band that practice had led to expect.", "M23"))
        why += f" Practice had led to expect {figure(top.value)} ({interval(top.low, top.high)}): look into it."
    details = {
        "rows": v["rows"],
        "method": v["method"],
        "baseline": base,
        "intervals": v.get("intervals"),
        "looks": looks + 1,
    }
    check = Check(m.name, v["value"], v["low"], v["high"], line, f"{v['rows']:,} rows, {v['method']}", choice, details)
    views: list[View] = [
        Intervals(
            "The lockbox against the claim",
            m.title,
            [
                ("practice", top.value, top.low, top.high),
                ("lockbox", v["value"], v["low"], v["high"]),
                (floor, base, v["baseline"].get("low"), v["baseline"].get("high")),
            ],
            line,
        )
    ]
    if rows := v.get("per_class"):
        names = ("precision", "recall", "f1")
        cells = [(r["label"], *(with_interval(r, n) for n in names), r["support"]) for r in rows]
        views.append(Table("Per class, 95 % intervals", ("class", *names, "rows"), cells))
    return Decide(RESULT, choice, why, evidence=(result,), shows=views, judgement=Judgement(tuple(found), check))


def cut_short(v: Mapping[str, Json]) -> str:
    """What went another way in the training of a network that was fitted here, in sentences: a person ended it, or
    memory ran out; "" where nothing did."""
    said = " You ended its training early; this is the best until then." if v.get("ended_by_person") else ""
    return said + "".join(f" {r}" for r in v.get("remarks") or () if not r.startswith(TAKEN_UP))


def _outside(v: Mapping[str, Json], top: Rung) -> bool:
    """|lockbox − practice| > 2·√(SE² + SE²), each SE a quarter of its 95 % interval."""
    if None in (v["low"], v["high"], top.low, top.high):
        return False
    se_lock, se_dev = (v["high"] - v["low"]) / 3.92, ((top.high or 0) - (top.low or 0)) / 3.92
    return abs(v["value"] - top.value) > 2 * (se_lock**2 + se_dev**2) ** 0.5


PRESENT = Stage("present", "Present", present, QUESTIONS)
