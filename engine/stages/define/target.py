"""What is predicted, when, of what material, and of whom."""

from __future__ import annotations

from dataclasses import replace

from engine.data.naming import closest
from engine.effects import Ask, Conversation
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import Session
from engine.stages.columns import Profile, counted, listed, percent
from engine.stages.define.purpose import NOT_STATED
from engine.stages.define.series import series, shape_of
from engine.views import Words

MANY_COLUMNS = 300  # from here on the target's name is typed


TARGET = Question(
    "problem.target",
    "Which column do you want to predict?",
    asks="person",
    whys=(
        Why(
            "Why does the target come first?", "Everything learned after it is known is forbidden as an input.", "KN L2"
        ),
        Why("Why {subject}this one?", "{reason}"),
        Why("Can it be changed later?", "Yes: going back starts a branch, and nothing measured so far is lost."),
    ),
    fact=True,
    source="Kapoor & Narayanan 2023, L2",
)
MOMENT = Question(
    "problem.moment",
    "At what moment must the prediction be ready?",
    Form.TEXT,
    asks="person",
    default=NOT_STATED,
    whys=(
        Why("Why a moment?", "Columns filled in after it would not exist yet when the model is used.", "KN L3.1"),
        Why("How do I write it?", "A sentence (“before the contract ends”), or the name of a date column: {dates}."),
        Why("What happens without one?", "The checks for columns that are filled in too late have nothing to go by."),
    ),
    fact=True,
    source="Kapoor & Narayanan 2023, L2, L3.1",
)
MATERIAL = Question(
    "problem.material",
    "What are the rows made of?",
    options=(
        Option("table", "A table", "each column says one thing"),
        Option("text", "Texts", "one column of words carries most of it"),
        Option("image", "Pictures", "the columns are pixels"),
        Option("series", "A series that goes on", "values at equal steps of time; the next ones are asked for"),
    ),
    whys=(
        Why("Why ask?", "It decides what models are tried first, and what has no place: a pixel has no outliers."),
        Why("Why this one?", "{reason}", "Decision catalogue, problem.task"),
        Why("What if it is mixed?", "Then it is a table: its texts become 30 numbers each.", "skrub"),
    ),
    source="Decision catalogue, problem.task; S000; S003",
)
TASK = Question(
    "problem.task",
    "What kind of answer is it?",
    options=(
        Option("binary", "One of two classes"),
        Option("multiclass", "One of several classes"),
        Option("regression", "A number"),
        Option("forecast", "The next values of a series"),
    ),
    whys=(
        Why("Why this kind?", "{reason}", "S000; S001"),
        Why(
            "Why not a number for number codes?", "A code's distance means nothing: class 3 is not three times class 1."
        ),
        Why("Why not many classes?", "Each needs rows of its own: fewer than 10 in a class cannot be examined."),
    ),
    source="S000; S001",
)
POSITIVE = Question(
    "problem.positive",
    "Which class is the one to find?",
    whys=(
        Why("Why does it matter?", "Recall, precision, costs and the rule are all said of this class."),
        Why("Why this one?", "{reason}"),
        Why("Does it change a model?", "No: the probabilities stay the same, only their names turn around."),
    ),
    fact=True,
    source="scikit-learn user guide, model evaluation",
)
UNIT = Question(
    "problem.unit",
    "Does the same customer, machine or document come back in several rows? Which column names it?",
    whys=(
        Why("Why ask?", "A random split would examine the model on entities it has already seen.", "KN L3.2"),
        Why("What was found?", "{reason}"),
        Why("What does naming it change?", "All rows of one entity stay on the same side of every split."),
    ),
    source="Kapoor & Narayanan 2023, L3.2",
)


def target(s: Session, profile: Profile, seen: Evidence) -> Conversation:
    """What is predicted, at what moment, and of what kind the answer is."""
    column = (yield _ask_target(profile, seen)).choice
    material = (yield _ask_material(profile, seen, column)).choice
    if material == "series":
        yield from series(s, profile, seen)
        yield _task_of_series(f"“{column}”" if not shape_of(s.choice("problem.series")) else "all series")
        return
    dates = ", ".join(profile.of_type("date")) or "there is none here"
    examples = "“Before the contract ends.”\n“When the patient arrives, before any test.”"
    named = profile.of_type("date")
    examples += f"\n{named[0]}   (the name of a date column)" if named else ""
    yield Ask(MOMENT, facts={"dates": dates}, judge=_judge_moment, shows=(Words("For example", examples),))
    task = (yield _ask_task(profile, seen, column)).choice
    if task == "binary":
        yield _ask_positive(profile, seen, column)
    yield _ask_unit(profile, seen, column)


def _task_of_series(of: str) -> Ask:
    return Ask(
        TASK,
        options=tuple(o for o in TASK.options if o.key == "forecast"),
        recommended="forecast",
        reason=f"The next values of {of} are asked for.",
        taken=True,
    )


def _judge_moment(text: Json) -> Judgement:
    if not text or text == NOT_STATED:
        message = "Without a moment, columns that are filled in too late cannot be told apart."
        return Judgement((Objection(Level.HOLD, message, "M16"),))
    return Judgement()


def _ask_target(profile: Profile, seen: Evidence) -> Ask:
    guess = profile.value.get("target_guess")
    many = len(profile.columns) > MANY_COLUMNS
    likely = (
        [name for name in profile.columns if name == guess] + list(profile.columns)[-20:] if many else profile.columns
    )
    options = tuple(Option(name, note=profile.words(name)) for name in dict.fromkeys(likely))

    def read(choice: Json) -> Json:
        if choice not in profile.columns:
            near = closest(str(choice), list(profile.columns))
            hint = f"did you mean {listed(near)}?" if near else f"there are {len(profile.columns):,}."
            raise InvalidAnswer(f"problem.target: there is no column {choice!r}; {hint}")
        column = profile.columns[choice]
        if column["distinct"] == 0:
            raise InvalidAnswer(f"problem.target: every cell of “{choice}” is empty; choose a column with values.")
        if column["distinct"] < 2:
            raise InvalidAnswer(
                f"problem.target: “{choice}” has one value only, {column['top'][0][0]!r}; it teaches nothing."
            )
        if column["type"] in ("text", "date") or (
            column["type"] == "category" and column["distinct"] > max(50, (profile.rows - column["missing"]) // 2)
        ):
            what = {"text": "texts", "date": "dates"}.get(column["type"], "values")
            raise InvalidAnswer(
                f"problem.target: “{choice}” holds {column['distinct']:,} different {what} in {profile.rows:,} rows, "
                "which are neither classes nor numbers; choose another column."
            )
        return choice

    def judge(choice: Json) -> Judgement:
        missing = profile.columns[choice]["missing"]
        check = Check("rows with a label", profile.rows - missing, reference=profile.rows, protocol="all rows")
        note = f"{missing:,} rows have no “{choice}” and are left out."
        return Judgement((Objection(Level.NOTE, note),) if missing else (), check)

    return Ask(
        replace(TARGET, other=True) if many else TARGET,  # a decision need not hold ten thousand options
        options=options,
        recommended=guess,
        reason=_place_of(guess, profile) if guess else "",
        evidence=(seen,),
        shows=(profile.table(),),
        read=read,
        judge=judge,
    )


def _place_of(guess: str, profile: Profile) -> str:
    beside = profile.value.get("side_by_side")
    if beside:
        return f"“{guess}” is one of {len(beside['columns']):,} columns that make up series: with it, all go on."
    return f"“{guess}” has the name or the place of a target: {profile.words(guess)}."


def _ask_material(profile: Profile, seen: Evidence, target: str) -> Ask:
    found = profile.value.get("kind", "table")
    inputs = {n: c for n, c in profile.columns.items() if n != target}
    pixels = sum(bool(c.get("pixel")) for c in inputs.values())
    texts = {n: c.get("words") or 0.0 for n, c in inputs.items() if c["type"] == "text"}
    longest = max(texts, key=lambda n: texts[n], default="")
    beside = profile.value.get("side_by_side") or {"columns": [], "shape": ""}
    stands = {"rows": "are times: a row is a series", "wide": "are named alike: a series each"}.get(beside["shape"])
    columns = beside["columns"]
    goes_on = (
        f"The {len(columns):,} columns “{columns[0]}” to “{columns[-1]}” {stands}."
        if target in columns
        else f"“{profile.value.get('time_guess')}” goes up by even steps, and “{target}” is a number at each."
    )
    reasons = {
        "image": f"{pixels:,} of {len(inputs):,} inputs are numbered columns of whole numbers within 0 to 255: pixels.",
        "series": goes_on,
        "text": f"“{longest}” has a median of {texts.get(longest, 0.0):,.0f} words and carries most of the content.",
    }
    timed = profile.columns[target]["type"] == "number" and (bool(profile.of_type("date")) or found == "series")
    timed = timed and (target in columns or not columns)
    best = found if found in reasons and (found != "series" or timed) else "table"
    offered = {"table", *(["text"] if texts else []), *(["image"] if pixels else []), *(["series"] if timed else [])}

    def judge(choice: Json) -> Judgement:
        check = Check("pixel columns", pixels, reference=len(inputs), protocol="inputs")
        if choice == "table" and best == "series":
            note = f"{reasons[best]} As a table, rows of tomorrow would help to predict those of yesterday."
            return Judgement((Objection(Level.FLAG, note, "M10"),), check)
        if choice == "table" and best != "table":
            note = f"{reasons[best]} As a table it will be slow, and harder to read."
            return Judgement((Objection(Level.NOTE, note),), check)
        return Judgement(check=check)

    return Ask(
        MATERIAL,
        options=tuple(o for o in MATERIAL.options if o.key in offered),
        recommended=best,
        reason=reasons.get(best, f"{len(inputs):,} inputs, each of which says one thing."),
        evidence=(seen,),
        judge=judge,
    )


def _ask_task(profile: Profile, seen: Evidence, target: str) -> Ask:
    task, reason = profile.task_of(target)
    column = profile.columns[target]

    def judge(choice: Json) -> Judgement:
        found = []
        if choice == "binary" and column["distinct"] != 2:
            found.append(Objection(Level.BLOCK, f"“{target}” has {column['distinct']:,} distinct values, not two."))
        if choice == "regression" and column["type"] not in ("number", "yes_no"):
            found.append(Objection(Level.BLOCK, f"“{target}” is not a number."))
        elif choice == "regression" and column["distinct"] <= 10:
            found.append(
                Objection(Level.NOTE, f"“{target}” has only {column['distinct']} levels: a code, or a number?")
            )
        if choice == "multiclass":
            if column["distinct"] > 50:
                found.append(Objection(Level.HOLD, f"{column['distinct']:,} classes; merge them to at most 50."))
            rare = [value for value, count in column["top"] if count < 10]
            if rare:
                few = counted(len(rare), "class has", "classes have")
                words = f"{few} fewer than 10 rows, e.g. “{rare[0]}”: too few to be examined."
                found.append(Objection(Level.HOLD if len(rare) > 1 else Level.FLAG, words))
        return Judgement(tuple(found), Check("distinct values", column["distinct"], protocol="all rows"))

    return Ask(
        TASK,
        options=tuple(o for o in TASK.options if o.key != "forecast"),
        recommended=task,
        reason=reason,
        evidence=(seen,),
        shows=(profile.distribution(target),),
        judge=judge,
    )


def _ask_positive(profile: Profile, seen: Evidence, target: str) -> Ask:
    classes = profile.classes(target)
    found = str(profile.columns[target].get("positive"))
    guess = found if found in classes else min(classes, key=lambda c: classes[c])
    total = sum(classes.values())
    return Ask(
        POSITIVE,
        options=tuple(Option(label, note=f"{n:,} rows, {percent(n / total)}") for label, n in classes.items()),
        recommended=guess,
        reason=f"“{guess}” ({percent(classes[guess] / total)} of the rows) is the case that somebody looks for.",
        evidence=(seen,),
        shows=(profile.distribution(target),),
    )


def _ask_unit(profile: Profile, seen: Evidence, target: str) -> Ask:
    found = [g for g in profile.value.get("group_guess", []) if g["column"] != target]
    best = found[0]["column"] if found else "none"
    why = (
        f"“{best}” repeats {found[0]['rows_per_value']:.1f} times on average; a random split would test on entities "
        "already seen."
        if found
        else "No column names an entity that comes back."
    )
    columns = [c for c in profile.columns if c != target and profile.columns[c]["type"] != "date"]

    def judge(choice: Json) -> Judgement:
        if found and choice == "none":
            return Judgement((Objection(Level.HOLD, f"{why} Are those rows really independent?", "M10"),))
        return Judgement()

    return Ask(
        UNIT,
        options=(Option("none", "No, each row stands alone"), *(Option(c) for c in columns)),
        recommended=best,
        reason=why,
        evidence=(seen,),
        judge=judge,
    )


QUESTIONS = (TARGET, MOMENT, MATERIAL, TASK, POSITIVE, UNIT)
