"""Columns of levels: rare ones put together, and how levels become numbers."""

from __future__ import annotations

from engine.effects import Ask
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.stages.columns import counted
from engine.stages.prepare.changes.change import Change, Known, chosen_words, inputs_of, option_words

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


TOGETHER = Change(RARE, 10, _ask_rare, inputs_of("category"), chosen_words("levels under {} rows put together"))
CODES = Change(ENCODE, "onehot", _ask_encode, inputs_of("category"), option_words(ENCODE))
