"""How columns become numbers: each change with when it is worth a try, its reason, and the rule it is kept by.

A change is one declared object in CHANGES.  It asks only where it can matter; an answer that differs from the plain
preparation is tried on the practice exams at once (see `trying`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.data.text_advice import recommended_encoding
from engine.effects import Ask, Conversation
from engine.errors import InvalidAnswer
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import Session
from engine.stages.columns import Profile, counted, listed, percent
from engine.stages.looks import column_views
from engine.stages.prepare.columns import ORDER
from engine.stages.prepare.trying import tried
from engine.views import Bars, Table

SAME = 0.999  # |r| from which one of two columns says nothing that the other does not
READABLE_TERMS = 30  # a person reads no longer list
MANY_INPUTS = 20


@dataclass(frozen=True)
class Known:
    """What is known when the changes are talked about."""

    profile: Profile  # of all rows
    seen: Evidence
    look: Mapping[str, Json]  # of the rows for practice
    looked: Evidence

    def of(self, s: Session, *kinds: str) -> dict[str, dict[str, Json]]:
        """The inputs of these types as they were looked at, by name."""
        types = s.input_types()
        return {c["name"]: c for c in self.look["columns"] if types.get(c["name"]) in kinds}


@dataclass(frozen=True)
class Change:
    """One way to change the preparation.

    plain: the answer that changes nothing.  ask: the question with its recommendation, None where it has no place here.
    about: the inputs that it concerns, most of all the first.  words: the change in a few words, from the choice.
    """

    question: Question
    plain: Json | Callable[[Session], Json]
    ask: Callable[[Session, Known], Ask | None]
    about: Callable[[Session, Known], list[str]]
    words: Callable[[Json], str]


def changes(s: Session, known: Known) -> Conversation:
    """Go through the changes in their order, one at a time (1.4)."""
    if ordered := s.choice("data.order"):
        yield from tried(s, ORDER, f"the order of {listed(f'“{c}”' for c in ordered)}", list(ordered))
    for change in CHANGES:
        ask = change.ask(s, known)
        if ask is None:
            continue
        choice = (yield ask).choice
        if choice != (change.plain(s) if callable(change.plain) else change.plain):
            yield from tried(s, change.question, change.words(choice), change.about(s, known))


def _option(question: Question) -> Callable[[Json], str]:
    """The chosen option as it is called on screen."""
    titles = {o.key: o.label for o in question.options}
    return lambda choice: f"{question.prompt.rstrip('?')}: {titles.get(choice, choice)}".lower()


def _columns(*kinds: str) -> Callable[[Session, Known], list[str]]:
    return lambda s, known: list(known.of(s, *kinds))


# --- which columns --------------------------------------------------------------------------------------------------

SELECT = Question(
    "data.select",
    "Which columns only repeat another? They are left out.",
    Form.CHOICES,
    default=[],
    whys=(
        Why("Why leave a twin out?", "It costs time and readers, and splits the credit between two names.", "KN L1.3"),
        Why("Why these?", "{reason}"),
        Why(
            "What if it does matter?", "The practice exams say: it comes back if they are measurably worse without it."
        ),
    ),
    source="Decision catalogue, data.select; R3, simpler wins",
)


def _ask_select(s: Session, known: Known) -> Ask | None:
    if s.material != "table":
        return None
    inputs = s.input_types()
    twins: dict[str, tuple[str, float]] = {}
    for a, b, r in known.look["pairs"]:
        both = a in inputs and b in inputs and "date" not in (inputs[a], inputs[b])  # of two dates the span tells
        first, second = sorted((a, b), key=list(inputs).index) if both else ("", "")
        if r >= SAME and first and first not in twins and second not in twins:
            twins[second] = (first, r)
    constant = [n for n, c in known.profile.columns.items() if n in inputs and (c["constant"] or c["near_constant"])]
    if not twins and not constant and len(inputs) <= MANY_INPUTS:
        return None
    found = [name for name in inputs if name in twins or name in constant]
    said = [f"“{b}” says what “{a}” says (|r| = {r:.3f})" for b, (a, r) in twins.items()]
    said += [f"“{name}” is all but constant" for name in constant]
    notes = {b: f"repeats “{a}”" for b, (a, _) in twins.items()}

    def judge(choice: Json) -> Judgement:
        if len(choice) >= len(inputs):
            return Judgement((Objection(Level.BLOCK, "No column would be left to predict from."),))
        return Judgement(
            check=Check("inputs left", len(inputs) - len(choice), reference=len(inputs), protocol="inputs")
        )

    pairs = [(a, b, round(r, 3)) for a, b, r in known.look["pairs"] if a in inputs and b in inputs]
    return Ask(
        SELECT,
        options=tuple(Option(name, note=notes.get(name, "")) for name in inputs),
        recommended=found,
        reason=f"{listed(said)}." if said else f"None of the {len(inputs)} inputs repeats another.",
        evidence=(known.looked,),
        shows=(Table("Columns that go together", ("column", "column", "|r|"), pairs),) if pairs else (),
        judge=judge,
    )


TOP = Question(
    "data.top",
    "Keep only the best so many columns, chosen inside each fold?",
    Form.NUMBER,
    low=1,
    high=100_000,
    unit="columns",
    whys=(
        Why("Why fewer?", "Somebody has to read them, and each must be delivered for every prediction."),
        Why("Why this many?", "{reason}"),
        Why("Why inside the fold?", "Columns chosen on all rows have seen the exam's answers.", "KN L1.3"),
    ),
    source="Decision catalogue, data.select; problem.interpretability: ≤ 30 terms",
)


def _terms(s: Session, known: Known) -> int:
    """About how many terms a linear model would have."""
    levels = {n: min(c["distinct"], 40) for n, c in known.profile.columns.items()}
    return sum(levels.get(n, 1) if kind == "category" else 1 for n, kind in s.input_types().items())


def _ask_top(s: Session, known: Known) -> Ask | None:
    if s.material != "table":
        return None
    terms = _terms(s, known)
    must_read = s.choice("problem.interpretability") == "readable"
    if terms <= (READABLE_TERMS if must_read else 10 * MANY_INPUTS):
        return None
    why = f"A linear model would have about {terms:,} terms"
    best = READABLE_TERMS if must_read else None
    why += f"; an inspector reads {READABLE_TERMS}." if must_read else "; nothing you said asks for fewer."
    return Ask(
        TOP,
        recommended=best,
        reason=why,
        evidence=(known.looked,),
        judge=lambda choice: Judgement(check=Check("terms", choice or terms, reference=terms, protocol="about")),
    )


# --- numbers --------------------------------------------------------------------------------------------------------

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


def _holes(s: Session, known: Known) -> dict[str, int]:
    """Empty cells per input among all rows, marks that were taken for empty included; most first."""
    marked = s.about("data.missing_marks")
    holes = {}
    for name in s.input_types():
        if (c := known.profile.columns.get(name)) is None:
            continue
        extra = sum(
            m["count"] for m in c.get("marks", []) if str(m["value"]) in marked.get(name, []) and not m.get("always")
        )
        if c["missing"] + extra:
            holes[name] = c["missing"] + extra
    return dict(sorted(holes.items(), key=lambda item: -item[1]))


def _ask_missing(s: Session, known: Known) -> Ask | None:
    if s.material == "image":
        return None
    holes, rows = _holes(s, known), known.profile.rows
    most = next(iter(holes), "")
    share = holes[most] / rows if holes else 0.0
    best = "indicator" if share >= 0.01 else "fill"
    why = (
        f"{counted(len(holes), 'input has', 'inputs have')} empty cells, most “{most}” "
        f"({counted(holes[most], 'row')}{f', {percent(share)}' if share >= 0.001 else ''})."
        if holes
        else "No input has an empty cell today; should one come in use, it is filled."
    )
    shows = (Bars("Empty cells", "rows", [(c, float(n)) for c, n in list(holes.items())[:20]]),) if holes else ()
    return Ask(
        MISSING,
        recommended=best,
        reason=why,
        evidence=(known.seen,),
        shows=shows,
        judge=lambda choice: Judgement(check=Check("largest missing share", share, protocol="all rows")),
    )


OUTLIERS = Question(
    "data.outliers",
    "Are the extreme values errors, or rare truth?",
    options=(
        Option("keep", "Keep them as they are"),
        Option("clip", "Cap them", "at the 0.5 % and 99.5 % of the training rows; no row is left out"),
    ),
    whys=(
        Why(
            "Why not delete the rows?",
            "Rare events are what makes a model look foolish; in use they come, and must be answered.",
            "S002: the long tail",
        ),
        Why("Which values?", "{reason}"),
        Why("Impossible ones?", "Name them in data.impossible: then they count as empty."),
    ),
    source="Decision catalogue, data.outliers; S002; skrub",
)


def _outlying(s: Session, known: Known) -> dict[str, dict[str, Json]]:
    found = {n: c["outliers"] for n, c in known.of(s, "number").items() if c.get("outliers")}
    return dict(sorted(((n, o) for n, o in found.items() if o["count"]), key=lambda item: -(item[1]["extreme"] or 0)))


def _ask_outliers(s: Session, known: Known) -> Ask | None:
    if s.material != "table":
        return None
    found = _outlying(s, known)
    if not found:
        return None
    most, worst = next(iter(found.items()))
    alone = worst["share"] <= 0.005 and (worst["extreme"] or 0) > 20  # a few cells far from all others: typing errors
    why = (
        f"{counted(len(found), 'number has', 'numbers have')} values beyond three quartile ranges, the furthest in "
        f"“{most}” ({counted(worst['count'], 'row')}, up to {worst['extreme'] or 0:,.0f} robust deviations out)"
    )
    why += ": few and very far, so capping may calm a linear model." if alone else ": too many to be slips; keep them."
    rows = [(n, o["count"], percent(o["share"]), o["low"], o["high"], o["extreme"]) for n, o in found.items()]
    names = ("column", "rows", "share", "lower fence", "upper fence", "largest |z|")
    return Ask(
        OUTLIERS,
        recommended="clip" if alone else "keep",
        reason=why,
        evidence=(known.looked,),
        shows=(Table("Beyond Q1 − 3·IQR … Q3 + 3·IQR", names, rows[:30]), *column_views(known.look, list(found)[:3])),
        judge=lambda choice: Judgement(
            check=Check("rows beyond the fences", worst["count"], reference=known.look["rows"], protocol=f"“{most}”")
        ),
    )


SCALE = Question(
    "data.scale",
    "Same scale for all numbers?",
    options=(
        Option("standard", "Standardise", "mean 0, standard deviation 1"),
        Option("robust", "Robust", "median 0, quartile range 1; extremes stay extreme"),
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


def _ask_scale(s: Session, known: Known) -> Ask | None:
    if s.material in ("image", "text"):
        return None
    numbers = [n for n, kind in s.input_types().items() if kind == "number" and n in known.profile.columns]
    extreme = {n: known.profile.columns[n].get("beyond_5sd") or 0.0 for n in numbers}
    share = sum(extreme.values()) / len(extreme) if extreme else 0.0
    most = max(extreme, key=lambda c: extreme[c], default="")
    capped = s.choice("data.outliers") == "clip" and not s.undone("data.outliers")
    if share > 0.001 and not capped:
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

    return Ask(SCALE, recommended=best, reason=why, evidence=(known.seen,), judge=judge)


SKEW = Question(
    "data.skew",
    "Straighten numbers with a long tail?",
    options=(
        Option("none", "As they are"),
        Option("power", "Straighten", "a power of each, learned inside the fold (Yeo–Johnson)"),
    ),
    whys=(
        Why(
            "Why straighten?", "A line weighs the tail as heavily as the body; a power evens them out.", "scikit-learn"
        ),
        Why("Which numbers?", "{reason}"),
        Why("And trees?", "The order stays, so trees see no difference: this is for linear models and networks."),
    ),
    source="Yeo & Johnson 2000; scikit-learn user guide, non-linear transformation",
)


def _skewed(s: Session, known: Known) -> dict[str, float]:
    found = {n: c["skew"] for n, c in known.of(s, "number").items() if c.get("skew") is not None and abs(c["skew"]) > 2}
    return dict(sorted(found.items(), key=lambda item: -abs(item[1])))


def _ask_skew(s: Session, known: Known) -> Ask | None:
    found = _skewed(s, known)
    if s.material != "table" or not found:
        return None
    most, skew = next(iter(found.items()))
    squashed = s.choice("data.scale") == "squash" and not s.undone("data.scale")
    why = f"{counted(len(found), 'number is', 'numbers are')} skewed beyond 2, most “{most}” ({skew:+.1f})"
    why += "; squashing has bent their tails in already." if squashed else ": a power may straighten them for a line."
    return Ask(
        SKEW,
        recommended="none" if squashed else "power",
        reason=why,
        evidence=(known.looked,),
        shows=column_views(known.look, list(found)[:3]),
        judge=lambda choice: Judgement(
            check=Check("skew", skew, reference=2.0, protocol=f"“{most}”, rows for practice")
        ),
    )


BINS = Question(
    "data.bins",
    "Cut any number into steps?",
    Form.CHOICES,
    default=[],
    whys=(
        Why("Why steps?", "A line can only rise or fall; steps let it rise and then fall.", "S004: creative features"),
        Why("How many?", "Five, at the quintiles of the training rows, beside the number itself."),
        Why("And trees?", "They cut by themselves: this is for linear models."),
    ),
    source="scikit-learn user guide, discretization",
)


def _ask_bins(s: Session, known: Known) -> Ask | None:
    numbers = [n for n in known.of(s, "number") if known.profile.columns.get(n, {}).get("distinct", 0) > 5]
    if s.material != "table" or not numbers:
        return None
    return Ask(
        BINS,
        options=tuple(Option(name) for name in numbers),
        recommended=[],
        reason="Nothing asks for it: trees cut by themselves, and a line is the simplest thing to beat.",
        evidence=(known.looked,),
        judge=lambda choice: Judgement(
            check=Check("numbers cut", len(choice), reference=len(numbers), protocol="inputs")
        ),
    )


# --- categories, dates, texts, pictures ------------------------------------------------------------------------------

RARE = Question(
    "data.rare",
    "From how many rows on does a level stand for itself? Rarer ones are put together.",
    Form.NUMBER,
    low=1,
    high=1_000_000,
    unit="rows",
    default=10,
    whys=(
        Why("Why together?", "A level seen 3 times cannot be learned.", "scikit-learn, OneHotEncoder"),
        Why("Why this many?", "{reason}"),
        Why("And a level never seen?", "It joins the rare ones; no row is refused."),
    ),
    source="Decision catalogue, data.rare; scikit-learn",
)


def _ask_rare(s: Session, known: Known) -> Ask | None:
    found = {n: c["rare"] for n, c in known.of(s, "category").items() if c.get("rare")}
    if not found:
        return None
    best = max(10, round(0.001 * known.look["rows"]))
    most = max(found, key=lambda n: found[n])
    total = sum(found.values())
    why = f"{counted(total, 'level has', 'levels have')} under 10 rows, most in “{most}” ({found[most]:,})"
    why += f"; 0.1 % of the rows are {best}." if best > 10 else "."
    return Ask(
        RARE,
        recommended=best,
        reason=why,
        evidence=(known.looked,),
        judge=lambda choice: Judgement(check=Check("levels under 10 rows", total, protocol="rows for practice")),
    )


ENCODE = Question(
    "data.encode",
    "How should categories become numbers?",
    options=(
        Option("onehot", "One column a level", "rare and new levels share one"),
        Option("target", "The target's mean a level", "cross-fitted inside each fold"),
        Option("strings", "Letters of the level's name", "30 numbers from its letter groups"),
        Option("ordinal", "1, 2, 3 …", "in the order of the alphabet: for trees only"),
    ),
    whys=(
        Why("Why this one?", "{reason}", "skrub: cardinality 40"),
        Why("Why not 1, 2, 3?", "It would put the levels in an order that nobody measured."),
        Why("And a level never seen?", "It joins the rare ones; no row is refused."),
    ),
    source="scikit-learn; skrub",
)


def _ask_encode(s: Session, known: Known) -> Ask | None:
    inputs = s.input_types()
    levels = {n: c["distinct"] for n, c in known.profile.columns.items() if inputs.get(n) == "category"}
    if not levels:
        return None
    most = max(levels, key=lambda c: levels[c])
    if levels[most] <= 40:
        best, why = "onehot", f"At most {levels[most]} levels (“{most}”): a column each is few enough."
    else:
        letters = sum(any(ch.isalpha() for ch in str(v)) for v, _ in known.profile.columns[most]["top"][:20])
        best = "strings" if letters >= 10 else "target"
        why = f"“{most}” has {levels[most]:,} levels, more than 40: a column each would be too many."

    def judge(choice: Json) -> Judgement:
        check = Check("levels", levels[most], reference=40, protocol="all rows")
        if choice == "ordinal":
            message = "A linear model would take the alphabet for a scale; type the order in data.order instead."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    return Ask(ENCODE, recommended=best, reason=why, evidence=(known.seen,), judge=judge)


DATES = Question(
    "data.dates",
    "Which parts of the dates matter?",
    options=(
        Option("parts", "Parts and elapsed time", "year, month, day, weekday, hour, and total seconds"),
        Option("cycles", "Cycles", "month, weekday and hour as circles: December is next to January"),
        Option("elapsed", "Elapsed time only"),
        Option("drop", "None: leave dates out"),
    ),
    whys=(
        Why("Why parts?", "Weekday is a category in disguise.", "skrub, DatetimeEncoder"),
        Why("Why cycles?", "To a line, hour 23 and hour 0 are worlds apart; on a circle they touch."),
        Why("What is the danger?", "{danger}"),
    ),
    source="skrub, DatetimeEncoder; decision catalogue, data.dates",
)


def _ask_dates(s: Session, known: Known) -> Ask | None:
    dates = [n for n, kind in s.input_types().items() if kind == "date"]
    if not dates or s.material == "series":
        return None
    danger = (
        "Elapsed time under a random split remembers the day: what happened then is known to the exam's neighbours."
    )
    at_random = s.choice("split.kind") != "time"

    def judge(choice: Json) -> Judgement:
        check = Check("date columns", len(dates), protocol="inputs")
        if at_random and choice in ("parts", "elapsed"):
            return Judgement((Objection(Level.NOTE, danger),), check)
        return Judgement(check=check)

    return Ask(
        DATES,
        recommended="parts",
        reason=f"{listed(f'“{n}”' for n in dates)}: weekday, month and elapsed time are what dates mostly tell by.",
        facts={"danger": danger if at_random else "None here: the split goes by time."},
        evidence=(known.seen,),
        shows=column_views(known.look, dates[:2]),
        judge=judge,
    )


TEXT = Question(
    "data.text",
    "How should text become numbers?",
    options=(
        Option("words", "Words and pairs of words", "TF-IDF, at most 20,000"),
        Option("letters", "Groups of 3 to 5 letters", "TF-IDF; for short, noisy or inflected text"),
        Option("both", "Words and letters"),
        Option("strings", "30 numbers from letter groups", "small and dense; for tables with some text"),
    ),
    whys=(
        Why("Why this one?", "{reason}", "Google text classification guide; skrub"),
        Why("Why inside the fold?", "A vocabulary over all rows has read the exam.", "KN L1.2"),
        Why("Why not a network at once?", "Below 1,500 texts per word of length, counts of words win.", "TG"),
    ),
    source="Google text classification guide; skrub, StringEncoder",
)


def _texts(s: Session, known: Known) -> dict[str, dict[str, Json]]:
    return {n: known.profile.columns[n] for n, kind in s.input_types().items() if kind == "text"}


def _plain_text(s: Session) -> str:
    return "words" if s.material == "text" else "strings"


def _ask_text(s: Session, known: Known) -> Ask | None:
    texts = _texts(s, known)
    if not texts:
        return None
    longest = max(texts, key=lambda n: texts[n].get("words") or 0)
    words, rows = texts[longest].get("words") or 0.0, known.profile.rows
    best, why = (
        "strings",
        f"“{longest}” has a median of {words:,.0f} words beside other columns: 30 numbers are enough.",
    )
    if s.material == "text":
        best, why = recommended_encoding(words, rows)
    return Ask(
        TEXT,
        recommended=best,
        reason=why,
        evidence=(known.seen,),
        judge=lambda choice: Judgement(check=Check("median words", words, protocol=f"“{longest}”, {rows:,} texts")),
    )


IMAGES = Question(
    "data.images",
    "How large should the pictures be fed?",
    Form.NUMBER,
    low=4,
    high=64,
    unit="pixels a side",
    whys=(
        Why("Why smaller?", "Small pictures train faster; more iterations.", "Keras examples"),
        Why("Why this size?", "{reason}"),
        Why("Is it kept?", "Only if the practice exams with it are not measurably worse."),
    ),
    source="Decision catalogue, data.images; S003 shapes",
)


def _ask_images(s: Session, known: Known) -> Ask | None:
    if s.material != "image":
        return None
    pixels = sum(bool(c.get("pixel")) for c in known.profile.columns.values())
    colours = 3 if pixels % 3 == 0 and round((pixels / 3) ** 0.5) ** 2 * 3 == pixels else 1
    side = round((pixels / colours) ** 0.5)
    half = max((k for k in (8, 16, 28, 32, 48) if k <= side / 2), default=None)

    def read(choice: Json) -> Json:
        if choice is not None and (not isinstance(choice, int) or choice > side):
            raise InvalidAnswer(
                f"data.images: a whole number of pixels up to {side} is needed, or none for as they are."
            )
        return None if choice == side else choice

    why = f"{pixels:,} pixel columns: {side} × {side}" + (" in three colours" if colours == 3 else " in grey")
    why += f"; half of it, {half} pixels, is tried." if half else "; small enough as they are."
    return Ask(
        IMAGES,
        recommended=half,
        reason=why,
        evidence=(known.seen,),
        read=read,
        judge=lambda choice: Judgement(check=Check("pixels a side", choice or side, reference=side, protocol="native")),
    )


# --- the target and the rows ------------------------------------------------------------------------------------------

TARGET = Question(
    "data.target_transform",
    "Predict the value, or its logarithm?",
    options=(
        Option("value", "The value"),
        Option("log1p", "Its logarithm", "log(1 + y), turned back; scores stay on the value's own scale"),
    ),
    whys=(
        Why("Why the logarithm?", "{reason}"),
        Why("What is the catch?", "Turned back, a mean of logarithms is too low: the bias is guarded."),
        Why("How is it compared?", "On the value's own scale; scores on two scales say nothing about each other."),
    ),
    source="scikit-learn, TransformedTargetRegressor; decision catalogue, data.target_transform",
)


def _ask_target(s: Session, known: Known) -> Ask | None:
    column = known.profile.columns[s.target]
    skew, low = column.get("skew") or 0.0, column.get("min")
    if s.task != "regression" or low is None or low < 0 or skew <= 2:
        return None
    return Ask(
        TARGET,
        recommended="log1p",
        reason=f"“{s.target}” is never below 0 and its skew is {skew:.1f}: few large values outweigh the rest.",
        evidence=(known.seen,),
        judge=lambda choice: Judgement(check=Check("skew", skew, reference=2.0, protocol="all rows")),
    )


IMBALANCE = Question(
    "data.imbalance",
    "The rarest class is {share} of the rows. Rebalance?",
    options=(
        Option("nothing", "No: move the cut later", "the probabilities stay true"),
        Option("weights", "Weigh the classes evenly", "probabilities then no longer mean what they say"),
    ),
    whys=(
        Why(
            "Why not?",
            "Rebalancing distorts probabilities and brings no better ranking; moving the cut does the same job.",
            "van den Goorbergh et al. 2022",
        ),
        Why("What does the cut do?", "It is set from the costs once the model stands: {reason}"),
        Why("And if I do?", "Then calibrating becomes compulsory, for “30 %” no longer happens in 30 of 100 cases."),
    ),
    source="van den Goorbergh et al. 2022; scikit-learn; S004 class imbalance",
)


def _ask_imbalance(s: Session, known: Known) -> Ask | None:
    if not s.classifies:
        return None
    shares = known.profile.shares(s.target)
    rarest = min(shares, key=lambda c: shares[c])
    if shares[rarest] >= (0.2 if len(shares) == 2 else 0.5 / len(shares)):  # half of its even share
        return None
    return Ask(
        IMBALANCE,
        recommended="nothing",
        reason=f"“{rarest}” has {percent(shares[rarest])} of the rows; a ranking needs no weights, and the cut moves.",
        facts={"share": percent(shares[rarest])},
        evidence=(known.seen,),
        judge=lambda choice: Judgement(check=Check("rarest class", shares[rarest], reference=0.2, protocol="all rows")),
    )


def _target_only(s: Session, known: Known) -> list[str]:
    return list(s.input_types())[:3]


def _chosen(words: str) -> Callable[[Json], str]:
    return lambda choice: words.format(listed(f"“{c}”" for c in choice) if isinstance(choice, list) else choice)


CHANGES: tuple[Change, ...] = (
    Change(SELECT, [], _ask_select, lambda s, known: list(s.input_types()), _chosen("without {}")),
    Change(MISSING, "fill", _ask_missing, lambda s, known: list(_holes(s, known)), _option(MISSING)),
    Change(OUTLIERS, "keep", _ask_outliers, lambda s, known: list(_outlying(s, known)), _chosen("extremes capped")),
    Change(SCALE, "standard", _ask_scale, _columns("number"), _option(SCALE)),
    Change(SKEW, "none", _ask_skew, lambda s, known: list(_skewed(s, known)), _chosen("long tails straightened")),
    Change(RARE, 10, _ask_rare, _columns("category"), _chosen("levels under {} rows put together")),
    Change(ENCODE, "onehot", _ask_encode, _columns("category"), _option(ENCODE)),
    Change(DATES, "parts", _ask_dates, _columns("date"), _option(DATES)),
    Change(TEXT, _plain_text, _ask_text, _columns("text"), _option(TEXT)),
    Change(IMAGES, None, _ask_images, lambda s, known: list(s.input_types()), _chosen("pictures of {} pixels a side")),
    Change(BINS, [], _ask_bins, _columns("number"), _chosen("steps for {}")),
    Change(TARGET, "value", _ask_target, _target_only, _chosen("the target's logarithm")),
    Change(IMBALANCE, "nothing", _ask_imbalance, _target_only, _chosen("classes weighed evenly")),
    Change(TOP, None, _ask_top, lambda s, known: list(s.input_types()), _chosen("the best {} columns alone")),
)
QUESTIONS = tuple(change.question for change in CHANGES)
