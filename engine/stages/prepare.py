"""Prepare the data: what each column is, which rows are locked away, what leaks, how columns become numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from engine import plans
from engine.conductor import Stage, needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import COLUMN_TYPES, FEW_TO_EXAMINE, FEW_TO_JUDGE, Session
from engine.stages.columns import Profile, counted, listed, percent
from engine.views import Bars, Table

TYPES = Question(
    "data.types",
    "Is each column what I think it is?",
    Form.TABLE,
    options=tuple(Option(t, t.replace("_", "/")) for t in COLUMN_TYPES),
    whys=(
        Why(
            "Why does the type matter?", "A code taken for a number says that zip 9000 is nine times zip 1000.", "S001"
        ),
        Why("How was it found?", "{reason}"),
        Why("What if a value does not fit its type?", "It counts as missing, and is listed."),
    ),
    source="skrub; S001 transforms",
)
IDS = Question(
    "data.ids",
    "“{subject}” looks like a row number or a key. Keep it out?",
    options=(Option("drop", "Keep it out"), Option("keep", "Use it as an input")),
    whys=(
        Why("Why keep it out?", "A key can only be memorised; a new row has a new one.", "KN L2"),
        Why("How was it found?", "{reason}"),
        Why(
            "What if it carries meaning?",
            "Then an order hides in it: name the date or the batch it stands for instead.",
        ),
    ),
    source="Kapoor & Narayanan 2023, L2",
)
MARKS = Question(
    "data.missing_marks",
    "These values of “{subject}” probably mean “missing”. Treat them so?",
    Form.CHOICES,
    whys=(
        Why("Why suspect them?", "{reason}", "DataRobot data quality checks: disguised missing values"),
        Why(
            "What changes?", "The cell counts as empty: it is filled inside each fold, and its absence can be an input."
        ),
        Why("What if I am not sure?", "Ask who typed them; a zero that was measured is not a zero that was left out."),
    ),
    source="DataRobot data quality checks",
)
DUPLICATES = Question(
    "data.duplicates",
    "{copies}. What are copies here?",
    options=(
        Option("keep", "Keep them, on the same side of every split"),
        Option("repeats", "Real repeats", "different cases that happen to look alike; split freely"),
    ),
    source="Kapoor & Narayanan 2023, L1.4",
    whys=(Why("Why together?", "Copies on both sides of a split are remembered, not predicted.", "KN L1.4"),),
)
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
SPLIT = Question(
    "split.kind",
    "How will tomorrow's rows differ from today's?",
    options=(
        Option("stratified", "More of the same", "random rows, each part with the same class shares"),
        Option("random", "More of the same, at random"),
        Option("group", "New entities", "all rows of one entity on one side"),
        Option("time", "Later in time", "the past examines the future"),
    ),
    whys=(
        Why("Why ask?", "Test the way it will be used; otherwise the score is of another job.", "KN L3"),
        Why("Why this one?", "{reason}"),
        Why("What does a wrong split cost?", "Scores that fall in use by as much as entities or seasons repeat."),
    ),
    source="Kapoor & Narayanan 2023, L3; scikit-learn user guide, cross-validation",
)
LOCKBOX = Question(
    "split.lockbox",
    "I lock {rows} away for one final exam. Agreed?",
    Form.NUMBER,
    default=0.0,
    low=0,
    high=0.5,
    unit="share of rows",
    whys=(
        Why(
            "Why lock rows away?",
            "Every choice made on the other rows flatters them a little; these stay honest.",
            "KN L1.1",
        ),
        Why("Why so many?", "{reason}"),
        Why("May I look early?", "Once is the exam. A second look is possible, needs a why, and is counted for ever."),
    ),
    source="Kapoor & Narayanan 2023, L1.1; Collins, Ogundimu & Altman 2016",
)
PLAN = Question(
    "split.plan",
    "These are the practice exams that every model takes.",
    Form.TABLE,
    whys=(
        Why("Why the same for all?", "Two models are compared exam by exam; that needs the same exams.", "NB; BF"),
        Why("Why so many?", "{reason}"),
        Why("Why is one split not enough?", "One exam cannot tell luck from skill: its spread is unknown."),
    ),
    source="Nadeau & Bengio 2003; Bouckaert & Frank 2004",
)
EXAMS = Question(
    "split.drawn",
    "The lockbox and the practice exams are drawn.",
    options=(Option("drawn", "Drawn once, the same for everybody"),),
    source="Decision catalogue 2.1",
)
CHECKED = Question(
    "data.leak_checks",
    "Which leaks were looked for, and what was found about the rows?",
    options=(Option("clean", "Nothing about the rows"), Option("found", "Something to look into")),
    whys=(
        Why("Why look before any model?", "A leak makes every later figure false, and the best model the worst.", "KN"),
        Why("What was looked for?", "{reason}"),
        Why("What was not?", "{skipped}"),
    ),
    source="Kapoor & Narayanan 2023: eight types of leaks",
)
LEAKS = Question(
    "data.leaks",
    "“{subject}” looks too good or too late. Keep it?",
    asks="person",
    options=(
        Option("drop", "Leave it out"),
        Option("keep", "Keep it: it is known in time"),
    ),
    whys=(
        Why("Why suspect it?", "{reason}", "KN L2"),
        Why("How do I decide?", "Ask who fills it in, and when. Known before “{moment}”? Then it may stay."),
        Why(
            "What does a leak cost?",
            "A model that shines here and fails on the first new row, where the column is empty.",
        ),
    ),
    source="Kapoor & Narayanan 2023; DataRobot target leakage thresholds",
)
MISSING = Question(
    "data.missing",
    "What to do with empty cells?",
    options=(
        Option("indicator", "Fill in, and remember", "the median or most frequent, and a column “was missing”"),
        Option("fill", "Fill in only", "the median or most frequent"),
    ),
    whys=(
        Why("Why remember?", "Being empty can be information: {reason}", "scikit-learn user guide, imputation"),
        Why("Why inside the fold?", "A median over all rows has already seen the exam.", "KN L1.2"),
        Why("And trees?", "They take empty cells as they are, and learn where to send them."),
    ),
    source="scikit-learn user guide, imputation; S001",
)
ENCODE = Question(
    "data.encode",
    "How should categories become numbers?",
    options=(
        Option("onehot", "One column a level", "rare and new levels share one"),
        Option("target", "The target's mean a level", "cross-fitted inside each fold"),
        Option("strings", "Letters of the level's name", "30 numbers from its letter groups"),
    ),
    whys=(
        Why("Why this one?", "{reason}", "skrub: cardinality 40"),
        Why("Why not 1, 2, 3?", "It would put the levels in an order that nobody measured."),
        Why("And a level never seen?", "It joins the rare ones; no row is refused."),
    ),
    source="scikit-learn; skrub",
)
SCALE = Question(
    "data.scale",
    "Same scale for all numbers?",
    options=(
        Option("standard", "Standardise", "mean 0, standard deviation 1"),
        Option("squash", "Squash", "robust centre and scale, extremes bent to ±3"),
        Option("none", "As they are"),
    ),
    whys=(
        Why(
            "Why scale?", "Penalties and distances compare units: a gram must not outweigh a kilogram.", "scikit-learn"
        ),
        Why("Why this one?", "{reason}", "Holzmüller et al. 2024"),
        Why("And trees?", "They cut, they do not weigh: any scale is the same to them."),
    ),
    source="scikit-learn; Holzmüller et al. 2024",
)

QUESTIONS = (
    TYPES, IDS, MARKS, DUPLICATES, LABELS, SPLIT, LOCKBOX, PLAN, EXAMS, CHECKED, LEAKS, MISSING, ENCODE, SCALE,
)  # fmt: skip


def prepare(s: Session) -> Conversation:
    settings = s.choice("data.load")
    sniffed = Trial("profile", {"read": None}, s.data)
    (seen,) = yield Measure((sniffed,))
    if needed([seen])[0]["read"] != settings:
        (seen,) = yield Measure((Trial("profile", {"read": settings}, s.data),))
    profile = Profile(needed([seen])[0])

    yield _ask_types(s, profile, seen)
    for column in _ids(s, profile):
        yield _ask_id(column, profile, seen)
    for column, marks in _marks(s, profile):
        yield _ask_marks(column, marks, profile, seen)
    yield _ask_duplicates(profile, seen)
    yield _decide_labels(s, profile, seen)

    yield _ask_split(s, profile, seen)
    yield _ask_lockbox(s, profile, seen)
    yield _ask_plan(s, profile, seen)
    (drawn,) = yield Measure((Trial("split", {"recipe": s.recipe()}, s.data, label="drawing the exams"),))
    yield _decide_drawn(drawn)

    looking = Trial("leaks", {"recipe": s.recipe(), **_beside(s, profile)}, s.data, label="looking for leaks")
    (leaks,) = yield Measure((looking,), "Looking for columns that know the answer")
    yield _decide_checked(s, leaks)
    for column, findings in _suspects(needed([leaks])[0]["findings"]):
        yield _ask_leak(s, column, findings, leaks)

    yield _ask_missing(s, profile, seen)
    yield _ask_encode(s, profile, seen)
    yield _ask_scale(s, profile, seen)


def _ask_types(s: Session, profile: Profile, seen: Evidence) -> Ask:
    found = {name: c["type"] for name, c in profile.columns.items()}
    kinds = [
        f"{sum(t == kind for t in found.values())} × {kind.replace('_', '/')}" for kind in dict.fromkeys(found.values())
    ]

    def read(choice: Json) -> Json:
        for name in choice:
            if name not in found:
                raise InvalidAnswer(f"data.types: there is no column {name!r}; there are {listed(found)}.")
        return {name: choice.get(name, kind) for name, kind in found.items()}  # the whole truth, not the change only

    def judge(choice: Json) -> Judgement:
        coded = [
            name
            for name, kind in choice.items()
            if kind == "number"
            and {"zip", "code", "zipcode", "postcode"} & set(name.casefold().replace("_", " ").split())
        ]
        inputs = [n for n, kind in choice.items() if kind not in ("id", "drop") and n != s.target]
        found = [Objection(Level.NOTE, f"{listed(coded)}: a code taken for a number?")] if coded else []
        if not inputs:
            found.append(Objection(Level.BLOCK, "No column is left to predict from."))
        return Judgement(tuple(found), Check("inputs", len(inputs), protocol="columns beside the target"))

    return Ask(
        TYPES,
        recommended=found,
        reason=f"Found: {listed(kinds)}. A column has a type when at least 95 % of its values read so.",
        evidence=(seen,),
        shows=(profile.table(),),
        read=read,
        judge=judge,
    )


def _ids(s: Session, profile: Profile) -> list[str]:
    types = s.choice("data.types", default={})
    return [
        name
        for name, c in profile.columns.items()
        if c.get("id_like") and name not in (s.target, s.entity) and types.get(name) != "drop"
    ]


def _ask_id(column: str, profile: Profile, seen: Evidence) -> Ask:
    c = profile.columns[column]
    share = c["distinct"] / max(profile.rows - c["missing"], 1)

    def judge(choice: Json) -> Judgement:
        if choice == "keep":
            return Judgement((Objection(Level.HOLD, "A key can only be memorised; a new row has a new one."),))
        return Judgement(check=Check("distinct share", share, protocol="all rows"))

    return Ask(
        IDS,
        subject=column,
        recommended="drop",
        reason=f"{c['distinct']:,} distinct values in {profile.rows:,} rows ({percent(share)}): a key.",
        evidence=(seen,),
        judge=judge,
    )


def _marks(s: Session, profile: Profile) -> list[tuple[str, list[dict[str, Json]]]]:
    """The marks of each input that somebody must decide on; a blank cell or “n/a” is empty without asking."""
    inputs = s.input_types()
    found = {
        name: [m for m in c.get("marks", []) if not m.get("always")]
        for name, c in profile.columns.items()
        if name in inputs
    }
    return [(name, marks) for name, marks in found.items() if marks]


def _ask_marks(column: str, marks: list[dict[str, Json]], profile: Profile, seen: Evidence) -> Ask:
    total = sum(m["count"] for m in marks)
    said = "; ".join(f"“{m['value']}” {m['count']:,} times: {m['why']}" for m in marks[:4])
    return Ask(
        MARKS,
        subject=column,
        options=tuple(Option(str(m["value"]), f"“{m['value']}”", f"{m['count']:,} cells") for m in marks),
        recommended=[str(m["value"]) for m in marks],
        reason=said.rstrip(".") + ".",
        evidence=(seen,),
        judge=lambda choice: Judgement(check=Check("cells", total, reference=profile.rows, protocol="all rows")),
    )


def _ask_duplicates(profile: Profile, seen: Evidence) -> Ask:
    found = profile.value["duplicates"]
    copies = found["exact"]
    share = copies / max(profile.rows, 1)
    # Few columns of few values: tying equal rows together would tie nearly all of them.  That is so where independent
    # columns would agree about as often, or where each row is there many times over.
    by_chance = found.get("pairs_by_chance", math.inf) > 0.1 * found.get("pairs", 0) or copies > 0.8 * profile.rows
    if share > 0.2 and by_chance:
        best, why = "repeats", f"{copies:,} rows ({percent(share)}) look like another: so few values repeat by chance."
    elif copies:
        best = "keep"
        why = (
            f"{counted(copies, 'row repeats', 'rows repeat')} another exactly. On both sides of a split they would be "
            "remembered, not predicted."
        )
    else:
        best = "keep"
        why = "No row repeats another; should copies appear when a column is left out, they stay on one side."

    def judge(choice: Json) -> Judgement:
        check = Check("copies", copies, reference=profile.rows, protocol="all columns")
        if choice == "repeats" and best == "keep" and copies:
            return Judgement(
                (Objection(Level.HOLD, f"{copies:,} copies would be on both sides of the splits."),), check
            )
        return Judgement(check=check)

    said = counted(copies, "row is a copy", "rows are copies")
    facts = {"copies": f"{said[0].upper()}{said[1:]} of another row"}
    return Ask(DUPLICATES, recommended=best, reason=why, evidence=(seen,), facts=facts, judge=judge)


def _decide_labels(s: Session, profile: Profile, seen: Evidence) -> Ask:
    missing = profile.columns[s.target]["missing"]
    had = counted(missing, "row has", "rows have")
    why = f"{had} no “{s.target}”; left out." if missing else "Every row has a label."
    check = Check("rows without label", missing, reference=profile.rows, protocol="all rows")
    classes = profile.classes(s.target) if s.task != "regression" else {}
    rare = {label: n for label, n in classes.items() if n < FEW_TO_EXAMINE}
    if not rare:
        return Decide(LABELS, "drop", why, evidence=(seen,), judgement=Judgement(check=check))
    said = listed(f"“{label}” has {counted(n, 'row')}" for label, n in rare.items())
    why += f" {said}: too few to be examined."
    flag = Objection(Level.FLAG, "A class with fewer than 10 rows cannot be examined.")
    named = s.costs is not None or bool(s.choice("problem.rule", default=[]))  # they speak of the classes as they are
    if named or len(classes) - len(rare) < 2:
        return Decide(LABELS, "drop", why, evidence=(seen,), judgement=Judgement((flag,), check))
    together = _merged(classes)
    best = "merge" if together >= FEW_TO_JUDGE and len(_after(classes, "merge")) > 2 else "leave_out"
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


def _merged(classes: Mapping[str, int]) -> int:
    """Rows of the classes that would be put together."""
    return sum(n for n in classes.values() if n < FEW_TO_JUDGE)


def _after(classes: Mapping[str, int], choice: Json) -> dict[str, int]:
    """Rows per class once the rarest are put together or left out."""
    if choice == "merge":
        kept = {label: n for label, n in classes.items() if n >= FEW_TO_JUDGE}
        rows = _merged(classes)
        return {**kept, "other": kept.get("other", 0) + rows} if rows else kept
    if choice == "leave_out":
        return {label: n for label, n in classes.items() if n >= FEW_TO_EXAMINE}
    return dict(classes)


def _ask_split(s: Session, profile: Profile, seen: Evidence) -> Ask:
    classes = s.task != "regression"
    plain = "stratified" if classes else "random"
    if s.time_column:
        best, why = "time", f"“{s.time_column}” says when; the model will be asked about later rows."
    elif s.entity:
        best, why = "group", f"“{s.entity}” comes back in several rows; tomorrow brings new ones."
    elif classes:
        best, why = "stratified", "Each row stands alone and no time was named; class shares are kept in every part."
    else:
        best, why = "random", "Each row stands alone and no time was named."
    offered = [plain, *(["group"] if s.entity else []), *(["time"] if s.time_column else [])]

    def judge(choice: Json) -> Judgement:
        if choice == plain and best != plain:
            return Judgement((Objection(Level.HOLD, f"{why} A random split would look better than it is.", "M10"),))
        return Judgement()

    return Ask(
        SPLIT,
        options=tuple(o for o in SPLIT.options if o.key in offered),
        recommended=best,
        reason=why,
        evidence=(seen,),
        judge=judge,
    )


def _labelled(s: Session, profile: Profile) -> int:
    labelled = profile.rows - profile.columns[s.target]["missing"]
    if s.choice("data.target_quality") != "leave_out":
        return labelled
    return labelled - sum(n for n in profile.classes(s.target).values() if n < FEW_TO_EXAMINE)


def _rarest(s: Session, profile: Profile) -> int | None:
    if s.task == "regression":
        return None
    return min(_after(profile.classes(s.target), s.choice("data.target_quality")).values())


def _ask_lockbox(s: Session, profile: Profile, seen: Evidence) -> Ask:
    n, rarest = _labelled(s, profile), _rarest(s, profile)
    advice = plans.lockbox(n, rarest=rarest)

    def judge(share: Json) -> Judgement:
        rows = round(share * n)
        half = plans.half_width(rows) if rows else None
        check = Check(
            "half-width of an accuracy of 80 %", half, reference=None, protocol=f"{rows:,} rows", verdict="measured"
        )
        if not rows and advice.rows:
            message = "Without locked rows the final number is not independent of the choices made."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    return Ask(
        LOCKBOX,
        recommended=round(advice.share, 6),
        reason=advice.reason,
        facts={"rows": counted(advice.rows, "row")},
        evidence=(seen,),
        judge=judge,
    )


def _ask_plan(s: Session, profile: Profile, seen: Evidence) -> Ask:
    n, rarest = _labelled(s, profile), _rarest(s, profile)
    keep = 1 - s.choice("split.lockbox", default=0.0)
    groups = profile.columns[s.entity]["distinct"] if s.entity and s.choice("split.kind") == "group" else None
    advice = plans.plan(
        round(n * keep),
        rarest=None if rarest is None else max(1, round(rarest * keep)),
        groups=None if groups is None else max(2, round(groups * keep)),
        ordered=s.choice("split.kind") == "time",
    )

    def read(choice: Json) -> Json:
        whole = {**advice.recipe(), **choice}
        fits = isinstance(choice, dict) and set(choice) <= set(advice.recipe())
        if not fits or not all(
            isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 10_000 for v in whole.values()
        ):
            names = listed(advice.recipe())
            raise InvalidAnswer(f"split.plan: it takes whole numbers for {names}, e.g. {advice.recipe()}.")
        return whole

    def judge(choice: Json) -> Judgement:
        exams = choice["blocks"] if "blocks" in choice else choice["folds"] * choice["repeats"]
        check = Check("exams", exams, protocol=advice.reason)
        if exams < 2 or choice.get("folds", 2) < 2:
            return Judgement((Objection(Level.BLOCK, "At least two exams are needed to tell luck from skill."),), check)
        if exams < min(5, advice.exams):
            return Judgement(
                (Objection(Level.HOLD, f"{exams} exams tell little; {advice.exams} are usual here."),), check
            )
        if advice.tiny:
            return Judgement((Objection(Level.FLAG, "Few rows: no verdict above “unclear” can be given."),), check)
        return Judgement(check=check)

    return Ask(
        PLAN,
        recommended=advice.recipe(),
        reason=advice.reason[0].upper() + advice.reason[1:] + ".",
        evidence=(seen,),
        read=read,
        judge=judge,
    )


def _decide_drawn(drawn: Evidence) -> Ask:
    v = needed([drawn])[0]
    rarest = v["rarest"] if v.get("rarest") is not None else v["dev"]
    tiny = v["dev"] < 100 or rarest < 20
    too_tiny = v["dev"] < 50 or rarest < 10
    why = (
        f"{v['J']} exams of about {round(_mean(v['n_test'])):,} rows, each model fitted to about "
        f"{round(_mean(v['n_train'])):,}; {counted(v['lockbox'], 'row is', 'rows are')} locked away."
    )
    check = Check(
        "exams", v["J"], protocol=f"plan {v['plan_hash'][:12]}, lockbox {str(v['lockbox_hash'])[:12] or 'none'}",
        details={"plan_hash": v["plan_hash"], "lockbox_hash": v["lockbox_hash"], "dev": v["dev"], "tiny": tiny,
                 "too_tiny": too_tiny},
    )  # fmt: skip
    shows = (Bars("Rows", "rows", [("for practice", float(v["dev"])), ("locked away", float(v["lockbox"]))]),)
    return Decide(EXAMS, "drawn", why, evidence=(drawn,), check=check, shows=shows)


def _mean(values: Json) -> float:
    return sum(values) / len(values) if isinstance(values, list) else float(values)


def _beside(s: Session, profile: Profile) -> dict[str, Json]:
    """The entity and the time that the split does not go by, so that what it hides is measured (LK8, LK9)."""
    kind = s.choice("split.kind")
    guessed = [g["column"] for g in profile.value.get("group_guess", []) if g["column"] != s.target]
    entity = s.entity or next(iter(guessed), None)
    beside = {
        "group": entity if kind not in ("group", "time") else None,
        "time": s.time_column if kind != "time" else None,
    }
    return {"beside": beside} if any(beside.values()) else {}


def _decide_checked(s: Session, leaks: Evidence) -> Ask:
    v = needed([leaks])[0]
    rows = [f for f in v["findings"] if not f.get("column")]
    told = s.decision("data.duplicates")
    expected = {"LK7"} if told is not None and told.choice == told.recommended == "repeats" else set()
    columns = {f["column"] for f in v["findings"] if f.get("column")}
    why = (
        f"{len(v['ran'])} kinds of leaks were looked for; {counted(len(columns), 'column is', 'columns are')} suspect."
    )
    why += "".join(f" {_expected(f['sentence']) if f['detector'] in expected else f['sentence']}" for f in rows)
    objections = [
        Objection(Level.NOTE, "Equal rows lie on both sides of the splits, as rows that repeat by chance will.")
        if f["detector"] in expected
        else Objection(Level.FLAG, f["sentence"], "M10" if f["detector"] in ("LK8", "LK9") else "M11")
        for f in rows
        if f["level"] == "red" or f["detector"] in ("LK10", "LK11")
    ]
    ran = [(k, "ran", "") for k in v["ran"]] + [(k, "skipped", why_not) for k, why_not in v["skipped"].items()]
    found = [(f["detector"], f["level"], f["sentence"]) for f in rows]
    return Decide(
        CHECKED,
        "found" if rows else "clean",
        why,
        evidence=(leaks,),
        shows=(Table("About the rows", ("check", "level", "finding"), found), Table("Checks", ("check", "", ""), ran)),
        judgement=Judgement(
            tuple(objections), Check("findings about rows", len(rows), protocol="development rows", verdict="measured")
        ),
        facts={"skipped": listed(f"{k}: {reason}" for k, reason in v["skipped"].items()) or "nothing was left out."},
    )


def _expected(sentence: str) -> str:
    """What LK7 found, without the advice to tie what was taken to repeat by chance."""
    return f"{sentence.partition(':')[0].rstrip('.')}, as chance would have it."


def _suspects(findings: list[dict[str, Json]]) -> list[tuple[str, list[dict[str, Json]]]]:
    """The findings by column, the gravest columns first."""
    by_column: dict[str, list[dict[str, Json]]] = {}
    for finding in findings:
        for column in [finding["column"]] if finding.get("column") else []:
            by_column.setdefault(column, []).append(finding)
    return sorted(by_column.items(), key=lambda item: not any(f["level"] == "red" for f in item[1]))


def _ask_leak(s: Session, column: str, findings: list[dict[str, Json]], leaks: Evidence) -> Ask:
    red = [f for f in findings if f["level"] == "red"]
    worst = (red or findings)[0]
    exact = any(f.get("exact") for f in findings)

    def judge(choice: Json) -> Judgement:
        check = Check(
            str(worst.get("metric") or worst["detector"]),
            worst.get("score"),
            protocol=f"{worst['detector']}, development rows, out of fold",
            verdict=worst["level"],
        )
        if choice == "keep" and exact:
            message = f"“{column}” is the target under another name; with it every figure would be false."
            return Judgement((Objection(Level.BLOCK, message),), check)
        if choice == "keep" and red:
            return Judgement((Objection(Level.HOLD, worst["sentence"], "M07"),), check)
        if choice == "keep":
            return Judgement((Objection(Level.FLAG, worst["sentence"]),), check)
        return Judgement(check=check)

    rows = [(f["detector"], f["level"], f["sentence"]) for f in findings]
    return Ask(
        LEAKS,
        subject=column,
        recommended="drop" if red else "keep",
        reason=worst["sentence"]
        if red
        else f"{worst['sentence']} Nothing proves a leak; keep it if it is known in time.",
        facts={"moment": s.choice("problem.moment", default="the moment of prediction")},
        evidence=(leaks,),
        shows=(Table("What was found", ("check", "level", "finding"), rows),),
        judge=judge,
    )


def _ask_missing(s: Session, profile: Profile, seen: Evidence) -> Ask:
    marked = s.about("data.missing_marks")
    holes = {}
    for name in s.input_types():
        c = profile.columns[name]
        extra = sum(
            m["count"] for m in c.get("marks", []) if str(m["value"]) in marked.get(name, []) and not m.get("always")
        )
        if c["missing"] + extra:
            holes[name] = c["missing"] + extra
    share = max((n / profile.rows for n in holes.values()), default=0.0)
    most = max(holes, key=lambda c: holes[c], default="")
    best = "indicator" if share >= 0.01 else "fill"
    why = (
        f"{counted(len(holes), 'input has', 'inputs have')} empty cells, most “{most}” "
        f"({counted(holes[most], 'row')}{f', {percent(share)}' if share >= 0.001 else ''})."
        if holes
        else "No input has an empty cell today; should one come in use, it is filled."
    )
    return Ask(
        MISSING,
        recommended=best,
        reason=why,
        evidence=(seen,),
        shows=(
            Bars("Empty cells", "rows", [(c, float(n)) for c, n in sorted(holes.items(), key=lambda x: -x[1])[:20]]),
        )
        if holes
        else (),
        judge=lambda choice: Judgement(check=Check("largest missing share", share, protocol="all rows")),
    )


def _ask_encode(s: Session, profile: Profile, seen: Evidence) -> Ask:
    levels = {n: profile.columns[n]["distinct"] for n, kind in s.input_types().items() if kind == "category"}
    most = max(levels, key=lambda c: levels[c], default="")
    many = {n: k for n, k in levels.items() if k > 40}
    if not levels:
        best, why = "onehot", "No input is a category."
    elif not many:
        best, why = "onehot", f"At most {levels[most]} levels (“{most}”): a column each is few enough."
    else:
        letters = sum(any(ch.isalpha() for ch in str(v)) for v, _ in profile.columns[most]["top"][:20])
        best = "strings" if letters >= 10 else "target"
        why = f"“{most}” has {levels[most]:,} levels, more than 40: a column each would be too many."
    return Ask(
        ENCODE,
        recommended=best,
        reason=why,
        evidence=(seen,),
        judge=lambda choice: Judgement(check=Check("levels", levels.get(most, 0), reference=40, protocol="all rows")),
    )


def _ask_scale(s: Session, profile: Profile, seen: Evidence) -> Ask:
    numbers = [n for n, kind in s.input_types().items() if kind == "number"]
    extreme = {n: profile.columns[n].get("beyond_5sd") or 0.0 for n in numbers}
    share = sum(extreme.values()) / len(extreme) if extreme else 0.0
    most = max(extreme, key=lambda c: extreme[c], default="")
    if share > 0.001:
        best = "squash"
        why = f"{percent(share)} of the cells lie beyond 5 standard deviations, most in “{most}”: extremes are bent in."
    else:
        best = "standard"
        why = "Few cells lie beyond 5 standard deviations: mean 0 and standard deviation 1 compare fairly."

    def judge(choice: Json) -> Judgement:
        check = Check("share beyond 5 sd", share, reference=0.001, protocol="all rows, numbers")
        if choice == "none":
            return Judgement((Objection(Level.HOLD, "Unscaled, a penalty weighs units instead of effects."),), check)
        return Judgement(check=check)

    return Ask(SCALE, recommended=best, reason=why, evidence=(seen,), judge=judge)


PREPARE = Stage("prepare", "Prepare data", prepare, QUESTIONS)
