"""The straight-line model in plain words, held against what the expert said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.effects import Ask, Conversation, Measure
from engine.metrics import figure
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import Session
from engine.stages.columns import counted, listed
from engine.stages.ladder import Candidate, about_model
from engine.views import Bars, Cell, Table, View

LINES = ("logistic", "ridge")  # the straight lines whose coefficients are read, the first that was examined
TOP = 5
MOST_ASKED = 3
YES = frozenset({"yes", "true", "1", "y", "t"})

LINEAR = Question(
    "simple.linear",
    "Here is the straight-line model. Do the signs make sense?",
    options=(Option("yes", "Yes"), Option("odd", "Something is odd", "what, goes into the why")),
    whys=(
        Why("Why look at it, if another model wins?", "It is the one that says, column by column, what it leans on."),
        Why("What does it say?", "{reason}"),
        Why(
            "What is a grey sign?",
            "One that fewer than 95 of 100 resamples of the rows agree on: it may as well be the other.",
            "Efron 1979",
        ),
    ),
    source="S004 most important features; S002: discuss results with those who know the field",
)
SIGN = Question(
    "simple.sign",
    "The expert said that more “{subject}” means {said}; the model says {found}. Which is it?",
    asks="person",
    options=(
        Option("confounding", "Another column stands behind it", "it goes with something that works the other way"),
        Option("news", "News: the expert was asked again, and agrees"),
        Option("leak", "A leak: it is filled in afterwards", "go back to data.leaks and leave it out"),
        Option("unexplained", "Nobody knows"),
    ),
    whys=(
        Why("Why ask?", "A stable sign against what people know is a leak, a confounder, or news.", "S002"),
        Why("How sure is the model?", "{reason}"),
        Why(
            "How do I tell?",
            "Leave out, one by one, columns that go with it: where the sign turns, that one stands behind it.",
        ),
    ),
    source="Decision catalogue, simple.linear; S002 domain experts",
)

QUESTIONS = (LINEAR, SIGN)


def signs(s: Session, runners: Sequence[Candidate]) -> Conversation:
    """Read the first straight line among the candidates; nothing where there is none."""
    line = next((c for name in LINES for c in runners if c.name == name and c.ok), None)
    if line is None or s.material in ("image", "series"):
        return
    trial = about_model(s, "linear", line.model, "what it says of each column", uses=())
    (read,) = yield Measure((trial,), "Reading the straight line", optional=True)
    if not read.ok:
        return
    wrong = against_the_expert(s, read.value)
    yield _ask_signs(s, line, read, wrong)
    for row, said in wrong[:MOST_ASKED]:
        yield _ask_sign(s, read, row, said)


def against_the_expert(s: Session, v: Mapping[str, Json]) -> list[tuple[Mapping[str, Json], str]]:
    """Stable effects whose sign is the opposite of what was said before any model, with what was said."""
    drivers = s.choice("problem.drivers", default={})
    if s.task == "multiclass":  # more of one class is less of another: a sign means nothing there
        return []
    found = []
    for row in v["rows"]:
        said = drivers.get(row["source"])
        signed = row["kind"] == "number" or (row["kind"] == "yes" and _level(row).casefold() in YES)
        if said in ("+", "-") and signed and row["sure"] and (row["effect"] > 0) != (said == "+"):
            found.append((row, said))
    return found


def _level(row: Mapping[str, Json]) -> str:
    return str(row["name"]).removeprefix(f"{row['source']} = ")


def _ask_signs(s: Session, line: Candidate, read: Evidence, wrong: Sequence[tuple[Mapping[str, Json], str]]) -> Ask:
    v = read.value
    top = [c["source"] for c in v["columns"][:TOP]]
    drivers = s.choice("problem.drivers", default={})
    why = [f"It leans most on {listed(top)}."]
    if drivers:
        shared = [c for c in top if c in drivers]
        why.append(f"Of the {len(drivers)} named by the expert {counted(len(shared), 'is', 'are')} among these.")
    if wrong:
        columns = [f"“{row['source']}”" for row, _ in wrong]
        why.append(f"{listed(columns)} {'works' if len(wrong) == 1 else 'work'} against what the expert said.")
    grey = [row for row in v["rows"] if row["sure"] is False]
    if v["draws"]:
        sure = "all are sure" if not grey else f"{len(grey)} {'is' if len(grey) == 1 else 'are'} not sure"
        why.append(f"Of {counted(v['effects'], 'sign')} {sure}.")

    def judge(choice: Json) -> Judgement:
        check = Check(
            "signs against the expert", len(wrong), protocol=f"{v['draws']} resamples of {v['n']:,} rows",
            details={"top": top, "model": line.name},
        )  # fmt: skip
        if wrong and choice == "yes":
            message = "Stable signs against what the expert said make no sense before somebody has explained them."
            return Judgement((Objection(Level.FLAG, message),), check)
        return Judgement(check=check)

    return Ask(
        LINEAR,
        recommended="odd" if wrong else "yes",
        reason=" ".join(why),
        evidence=(read,),
        shows=(_table(s, v), _strengths(s, v)),
        judge=judge,
    )


def _ask_sign(s: Session, read: Evidence, row: Mapping[str, Json], said: str) -> Ask:
    target = f"“{s.choice('problem.positive')}”" if s.task == "binary" else f"“{s.target}”"
    more, less = f"more of {target}", f"less of {target}"
    reason = f"{in_words(read.value['unit'], row)}, 95 % interval {band(read.value['unit'], row)}."

    def judge(choice: Json) -> Judgement:
        check = Check("effect", row["effect"], row["low"], row["high"], 0.0, "bootstrap of the rows", "opposite sign")
        if choice == "unexplained":
            message = f"A stable sign of “{row['source']}” against what the expert said stays unexplained."
            return Judgement((Objection(Level.FLAG, message),), check)
        if choice == "leak":
            message = f"Go back to data.leaks and leave “{row['source']}” out: what stands now has learned from it."
            return Judgement((Objection(Level.HOLD, message, "M07"),), check)
        return Judgement(check=check)

    return Ask(
        SIGN,
        subject=row["source"],
        recommended="unexplained",
        reason=reason,
        facts={"said": more if said == "+" else less, "found": less if said == "+" else more},
        evidence=(read,),
        judge=judge,
    )


# --- words -----------------------------------------------------------------------------------------------------------


def in_words(unit: str, row: Mapping[str, Json]) -> str:
    """“tenure, 10 more: odds × 1.3”, “contract = two years: odds × 0.4”."""
    return f"{what(row)}: {said(unit, row)}"


def what(row: Mapping[str, Json]) -> str:
    """What is changed: a number by a round step in its own unit; a level against the average row; yes against no."""
    per = row.get("per_unit")
    if row["kind"] == "number" and per is not None:
        step = _step(row["effect"], per)
        return f"{row['source']}, {'1' if step == 1 else figure(step)} more"
    return str(row["name"]) if row["kind"] in ("level", "yes") else f"{row['name']}, 1 sd more"


def said(unit: str, row: Mapping[str, Json]) -> str:
    """What it does then: “odds × 1.3”, “+5,000”."""
    per = row.get("per_unit")
    stepped = row["kind"] == "number" and per is not None
    return change(unit, per * _step(row["effect"], per) if stepped and per is not None else row["effect"])


def _step(effect: float, per_unit: float) -> float:
    """A round number near the spread of the column, in its unit, so that a change is neither a hair nor the whole."""
    spread = abs(effect / per_unit) if per_unit else 1.0
    return 10.0 ** math.floor(math.log10(spread)) if spread > 0 else 1.0


def change(unit: str, effect: float) -> str:
    if unit in ("log-odds", "log"):
        named = "odds " if unit == "log-odds" else ""
        return f"{named}× {figure(math.exp(max(-13.0, min(13.0, effect))))}"
    return f"{'+' if effect >= 0 else '−'}{figure(abs(effect))}"


def band(unit: str, row: Mapping[str, Json]) -> str:
    """The interval in the same words, for the same step."""
    if row["low"] is None:
        return ""
    per, scale = row.get("per_unit"), 1.0
    if row["kind"] == "number" and per is not None and row["effect"]:
        scale = per * _step(row["effect"], per) / row["effect"]
    ends = sorted((row["low"] * scale, row["high"] * scale))
    return f"{change(unit, ends[0])} … {change(unit, ends[1])}".replace("odds × ", "× ")


def _table(s: Session, v: Mapping[str, Json]) -> View:
    """One line an effect, strongest columns first."""
    several = any(row["class"] is not None for row in v["rows"])
    rows: list[list[Cell]] = []
    for row in v["rows"]:
        sure = "" if row["sure"] is None else "" if row["sure"] else "not sure"
        per_sd = change(v["unit"], row["effect"]) if row["kind"] in ("number", "other") else ""
        cells: list[Cell] = [what(row), said(v["unit"], row), band(v["unit"], row), per_sd, sure]
        rows.append([row["class"], *cells] if several else cells)
    about = f"“{s.choice('problem.positive')}”" if s.task == "binary" else "the class" if several else s.target
    names = ["a level is against the average row", about, "95 % interval", "per sd", "sign"]
    drawn = f"{v['draws']} resamples" if v["draws"] else "too many columns to resample"
    return Table(f"In plain words ({drawn})", ["class", *names] if several else names, rows)


def _strengths(s: Session, v: Mapping[str, Json]) -> View:
    unit = {"log-odds": "log-odds", "log": "log", "": s.target}[v["unit"]]
    rows = [(c["source"], float(c["strength"])) for c in v["columns"][:20]]
    return Bars("How far each column moves it (standard deviation of its part)", unit, rows)
