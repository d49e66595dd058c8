"""Columns of numbers: empty cells, extremes, scale, long tails, steps."""

from __future__ import annotations

from engine.effects import Ask
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.stages.columns import counted, percent
from engine.stages.looks import column_views
from engine.stages.prepare.changes.change import Change, Known, chosen_words, inputs_of, option_words
from engine.views import Bars, Table

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


EMPTY = Change(MISSING, "fill", _ask_missing, lambda s, known: list(_holes(s, known)), option_words(MISSING))
EXTREMES = Change(
    OUTLIERS, "keep", _ask_outliers, lambda s, known: list(_outlying(s, known)), chosen_words("extremes capped")
)
SCALES = Change(SCALE, "standard", _ask_scale, inputs_of("number"), option_words(SCALE))
TAILS = Change(
    SKEW, "none", _ask_skew, lambda s, known: list(_skewed(s, known)), chosen_words("long tails straightened")
)
STEPS = Change(BINS, [], _ask_bins, inputs_of("number"), chosen_words("steps for {}"))
