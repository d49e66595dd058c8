"""What each column is: its type, keys, marks that mean “missing”, values that cannot be."""

from __future__ import annotations

from engine.data.conditions import validate_condition
from engine.effects import Ask, Conversation
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import COLUMN_TYPES, INPUT_TYPES, Session, levels_of
from engine.stages.columns import Profile, listed, percent
from engine.stages.define.series import inputs_of, shape_of
from engine.stages.looks import profile_views

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


ORDER = Question(
    "data.order",
    "Which categories have an order, and which?",
    Form.TABLE,
    default={},
    whys=(
        Why("Why ask?", "“low < medium < high” is one number; as three columns the order has to be learned.", "SK"),
        Why("Why these?", "{reason}"),
        Why("Is it kept?", "Only if the practice exams with it are not measurably worse."),
    ),
    source="scikit-learn user guide, encoding categorical features; decision catalogue, data.types",
)
IMPOSSIBLE = Question(
    "data.impossible",
    "Which values cannot be true?",
    Form.TABLE,
    default={},
    whys=(
        Why(
            "Why ask?", "An age of −1 is no young customer: somebody did not know it.", "DataRobot data quality checks"
        ),
        Why("Why these?", "{reason}"),
        Why(
            "What happens to such a cell?",
            "It counts as empty, here and in every later prediction; the row stays.",
        ),
        Why(
            "How do I write it?",
            'By column, when its value is wrong: age = "age < 0 OR age > 120".  Other columns may be named, too: '
            'end = "end < start".',
        ),
    ),
    source="Decision catalogue, data.outliers: impossible by type",
)

# Scales whose order everybody knows, the least first.  An order of one's own is typed.
SCALES = (
    ("none", "low", "medium", "high", "very high"),
    ("very low", "low", "moderate", "high", "very high"),
    ("xs", "s", "m", "l", "xl", "xxl"),
    ("tiny", "small", "medium", "large", "huge"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("none", "mild", "moderate", "severe"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("primary", "secondary", "tertiary"),
    ("bronze", "silver", "gold", "platinum"),
    ("first", "second", "third", "fourth", "fifth"),
    ("beginner", "intermediate", "advanced", "expert"),
)


def columns(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    """What each column is: asked of all rows, and never of how inputs relate to the target."""
    yield from types(s, profile, seen)
    if s.material != "image":
        for column in _ids(s, profile):
            yield _ask_id(column, profile, seen)
        for column, marks in _marks(s, profile):
            yield _ask_marks(column, marks, profile, seen)
        yield _ask_impossible(s, profile, seen)
    if orders := _orders(s, profile):
        yield _ask_order(s, profile, seen, orders)


def types(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    yield _ask_types(s, profile, seen)


def _ask_types(s: Session, profile: Profile, seen: Evidence) -> Ask:
    found = {name: c["type"] for name, c in profile.columns.items()} | _of_series(s, profile)
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
        shows=profile_views(profile),
        read=read,
        judge=judge,
    )


def _of_series(s: Session, profile: Profile) -> dict[str, str]:
    """Of series that stand side by side, the columns that are series or their steps, and the others, which are not."""
    named = s.choice("problem.series", default={})
    if not shape_of(named):
        return {}
    series = {s.target, *inputs_of(profile, s.target, named)}
    others = [name for name in profile.columns if name not in (named.get("time"), named.get("id"))]
    return {name: "number" if name in series else "drop" for name in others}


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
        # what most rows hold is rather a value of its own: no garden, no debt
        recommended=[str(m["value"]) for m in marks if m["count"] <= 0.5 * profile.rows],
        reason=said.rstrip(".") + ".",
        evidence=(seen,),
        judge=lambda choice: Judgement(check=Check("cells", total, reference=profile.rows, protocol="all rows")),
    )


def _orders(s: Session, profile: Profile) -> dict[str, str]:
    """For each category that is an input the known scale that all its levels stand on; "" where there is none."""
    found = {}
    for column, kind in s.input_types().items():
        if kind == "category" and column in profile.columns:
            levels = [str(value) for value, _ in profile.columns[column]["top"]]
            whole = profile.columns[column]["distinct"] == len(levels)
            found[column] = _on_a_scale(levels) if whole and len(levels) >= 3 else ""
    return found


def _on_a_scale(levels: list[str]) -> str:
    spelled = {level.strip().casefold().replace("_", " ").replace("-", " "): level for level in levels}
    for scale in SCALES:
        if set(spelled) <= set(scale):
            return " < ".join(spelled[level] for level in scale if level in spelled)
    return ""


def _ask_order(s: Session, profile: Profile, seen: Evidence, orders: dict[str, str]) -> Ask:
    found = {column: order for column, order in orders.items() if order}

    def read(choice: Json) -> Json:
        for column, order in choice.items():
            if column not in orders:
                raise InvalidAnswer(
                    f"data.order: {column!r} is no category among the inputs; there are {listed(orders)}."
                )
            if order in (None, ""):
                continue
            typed, levels = levels_of(str(order)), [str(value) for value, _ in profile.columns[column]["top"]]
            strange = [level for level in typed if level not in levels]
            lacking = [level for level in levels if level not in typed]
            if strange or lacking or len(set(typed)) < len(typed):
                wrong = (
                    f"there is no level {strange[0]!r}"
                    if strange
                    else f"{lacking[0]!r} is missing"
                    if lacking
                    else "a level stands twice"
                )
                raise InvalidAnswer(
                    f"data.order: of “{column}” {wrong}; write every level once, e.g. {' < '.join(levels[:6])}."
                )
        return {column: order for column, order in choice.items() if order}

    said = "; ".join(f"“{column}”: {order}" for column, order in found.items())
    return Ask(
        ORDER,
        recommended=found,
        reason=f"Their levels stand on a known scale: {said}." if found else "No category has levels of a known scale.",
        evidence=(seen,),
        read=read,
        judge=lambda choice: Judgement(
            check=Check("ordered columns", len(choice), reference=len(orders), protocol="categories")
        ),
    )


def _ask_impossible(s: Session, profile: Profile, seen: Evidence) -> Ask:
    inputs = s.input_types()
    types = {name: c["type"] for name, c in profile.columns.items() if c["type"] in INPUT_TYPES}
    suspicious = profile.value.get("suspicious", [])  # of numbers and dates: as categories they would compare as text
    strange = [f for f in suspicious if inputs.get(f["column"]) == types.get(f["column"]) in ("number", "date")]
    found = {f["column"]: f["condition"] for f in strange}
    total = sum(f["count"] for f in strange)

    def read(choice: Json) -> Json:
        for column, condition in choice.items():
            if column not in profile.columns:
                raise InvalidAnswer(
                    f"data.impossible: there is no column {column!r}; there are {listed(profile.columns)}."
                )
            if column == s.target:
                raise InvalidAnswer(
                    f"data.impossible: “{column}” is the target; leave its rows out with data.target_quality."
                )
            if not isinstance(condition, str):
                raise InvalidAnswer(
                    f'data.impossible: for “{column}” a condition in quotes is needed, e.g. "{column} < 0".'
                )
            try:
                validate_condition(condition, {c: t for c, t in types.items() if c != s.target})
            except InvalidAnswer as problem:
                raise InvalidAnswer(f"data.impossible: “{column}”: {problem}") from None
        return dict(choice)

    said = "; ".join(f"“{f['column']}”: {f['what']}" for f in strange[:4])
    return Ask(
        IMPOSSIBLE,
        recommended=found,
        reason=f"{said}." if found else "No value contradicts what its column is called.",
        evidence=(seen,),
        read=read,
        judge=lambda choice: Judgement(
            check=Check("impossible cells", total, reference=profile.rows, protocol="all rows")
        ),
    )


QUESTIONS = (TYPES, IDS, MARKS, IMPOSSIBLE, ORDER)
