"""Fewer columns: those that repeat another are left out, or only the best ones are kept."""

from __future__ import annotations

from engine.effects import Ask
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Json, Option
from engine.session import Session
from engine.stages.columns import listed
from engine.stages.prepare.changes.change import Change, Known, chosen_words, inputs
from engine.views import Table

SAME = 0.999  # |r| from which one of two columns says nothing that the other does not
READABLE_TERMS = 30  # a person reads no longer list
MANY_INPUTS = 20

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


TWINS = Change(SELECT, [], _ask_select, inputs, chosen_words("without {}"))
BEST = Change(TOP, None, _ask_top, inputs, chosen_words("the best {} columns alone"))
