"""It got better.  Why?  An idea, what it predicts, one test of it, and the questions that are parked for later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import figure
from engine.questions import Form, Judgement, Option, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.stages.columns import percent
from engine.stages.ladder import Candidate
from engine.stages.simple.rounds import Standing
from engine.views import Table, View, Words

WHY = Question(
    "improve.why",
    "It got better by {gain}. Why, do you think?",
    asks="person",
    options=(
        Option("signal", "New signal", "it sees something that it could not see"),
        Option("noise", "Less noise", "it stopped learning what is not there"),
        Option("shape", "Better shape", "it can bend where the rows do"),
        Option("room", "More room", "it has more to learn with, and rows enough to fill it"),
        Option("suspicious", "Suspicious", "too good, or for no reason that I can name"),
    ),
    fact=True,
    whys=(
        Why("Why ask after a success?", "A gain that is not understood cannot be trusted, nor repeated.", "S002"),
        Why("What do I write?", "The idea in a sentence, as the why: keep asking until the answer predicts something."),
        Why("Why this guess?", "{reason}"),
    ),
    source="S002 learn like a child; Decision catalogue, improve.why",
)
TEST = Question(
    "improve.why_test",
    "Which test of the idea?",
    options=(
        Option("slices", "Look where it got better", "a moment: the answers are there"),
        Option("shuffle", "Shuffle the new column", "ten fits: what is lost without its information"),
        Option("ablate", "Take it away again, on exams drawn afresh", "as long as two rounds of exams"),
        Option("none", "No test now"),
    ),
    whys=(
        Why("Why test?", "An idea that predicts nothing explains nothing."),
        Why("Why this one?", "{reason}"),
        Why("Is the champion in doubt?", "No: it has earned its place. The test is about the reason."),
    ),
    source="S002; Decision catalogue, improve.why",
)
EFFECT = Question(
    "improve.why_effect",
    "{asked} what does your idea predict?",
    Form.NUMBER,
    fact=True,
    whys=(Why("Why a number?", "Said beforehand it can be wrong; and only then can it be right.", "M34"),),
    source="Decision catalogue, improve.why: predicted effect against measured",
)
TESTED = Question(
    "improve.why_tested",
    "Was the idea borne out?",
    options=(Option("yes", "As predicted, or more"), Option("partly", "In part"), Option("no", "No")),
    whys=(Why("What was measured?", "{reason}"),),
    source="Decision catalogue, improve.why",
)
PARKED = Question(
    "improve.parked",
    "Which questions do you park for later?",
    Form.TEXT,
    asks="person",
    default="",
    fact=True,
    whys=(
        Why(
            "Why write them down?", "A question kept is a start for the next project; a question lost is lost.", "S002"
        ),
        Why("Such as?", "Why this family and not another? Which rows are still wrong? What would an expert try?"),
        Why("How do they get here?", "Whoever keeps asking why (w) may park the question that comes next (p)."),
    ),
    source="S002 rabbit-hole questions",
)

QUESTIONS = (WHY, TEST, EFFECT, TESTED, PARKED)

STARTERS = (  # the catalogue's list to begin with, improve.why
    "Why this family of models and not another?",
    "Which rows are still wrong, and what would an expert need to know to get them right?",
    "Does it hold next month, in another shop, for people it has not seen?",
    "For networks: why an LSTM, and what would a GRU lose?",
    "How is it kept from learning by heart, and is more of that better?",
    "Why the maximum of what a filter saw, and not the mean?",
    "Where do the first weights come from, and does it matter?",
    "Why is it slow, and what would lower precision cost?",
)

GUESSES: Mapping[str, tuple[str, str]] = {
    "feature": ("signal", "A column was added that goes along with what the model had missed."),
    "simpler": ("noise", "The search took simpler settings than the default mostly."),
    "richer": ("room", "The search took richer settings than the default mostly."),
    "blend": ("noise", "Models that err in different places even out each other's luck."),
    "family": ("shape", "Another kind of model bends where the one before could not."),
}


@dataclass(frozen=True)
class Step:
    """An acceptance.  kind: one of GUESSES, a feature with its name after a colon.  recipes as of before and after."""

    kind: str
    before: Candidate
    after: Candidate
    recipe_before: Mapping[str, Json]
    recipe_after: Mapping[str, Json]

    @property
    def column(self) -> str:
        return self.kind.partition(":")[2]

    @property
    def gain(self) -> float:
        return float((self.after.verdict or {}).get("diff") or 0.0)


def why(stand: Standing, round_: str, step: Step) -> Conversation:
    """Ask for the idea behind a gain, and test it once."""
    m = stand.metric
    best, because = GUESSES[step.kind.partition(":")[0]]
    suspicious = step.gain > 0.2 if m.bounded else False
    yield Ask(
        WHY,
        subject=round_,
        recommended="suspicious" if suspicious else best,
        reason=because,
        facts={"gain": f"{figure(step.gain)} {m.title}"},
        evidence=(step.after.exams, step.before.exams),
        judge=lambda _: Judgement(check=Check(f"gain in {m.name}", step.gain, protocol="paired, practice exams")),
    )
    test = (yield _ask_test(round_, step)).choice
    if test == "none":
        return
    asked, usual = _prediction(stand, step, test)
    effect = yield Ask(
        EFFECT, subject=round_, recommended=usual, reason="What the exams measured.", facts={"asked": asked}
    )
    if effect.choice is None:
        return
    measured, found, shows, said = yield from _measured(stand, step, test)
    if found is None:
        return
    predicted = float(effect.choice)
    share = measured / predicted if predicted else (1.0 if measured >= 0 else 0.0)
    choice = "yes" if share >= 0.8 else "partly" if share >= 0.3 else "no"
    yield Decide(
        TESTED,
        choice,
        f"{said} Predicted: {figure(predicted)}; measured: {figure(measured)}.",
        subject=round_,
        evidence=found,
        check=Check("effect", measured, reference=predicted, protocol=test, verdict=choice),
        shows=shows,
    )


def _ask_test(round_: str, step: Step) -> Ask:
    options = tuple(o for o in TEST.options if o.key != "shuffle" or step.column)
    why_this = (
        "Its information is taken away row by row, and nothing else changes." if step.column else "It costs nothing."
    )
    return Ask(
        TEST, subject=round_, options=options, recommended="shuffle" if step.column else "slices", reason=why_this
    )


def _prediction(stand: Standing, step: Step, test: str) -> tuple[str, float]:
    """What is predicted, as asked, and what the exams make likely."""
    m = stand.metric
    if test == "slices":
        return "Of the share of the rows (0 to 1) whose loss falls,", 0.5
    if test == "shuffle":
        return f"Of the {m.title} that is lost when {step.column} is shuffled,", round(step.gain, 4)
    return f"Of the {m.title} that is lost on fresh exams when it is taken away,", round(step.gain, 4)


def _measured(stand: Standing, step: Step, test: str) -> Conversation:
    """(figure, evidence, views, sentence) of a test; evidence is None where it could not be done."""
    s, m = stand.s, stand.metric
    if test == "slices":
        params = {"recipe": dict(step.recipe_after), "before": dict(step.recipe_before)}
        uses = (step.before.exams.key, step.after.exams.key)
        trial = Trial("where_better", params, s.data, uses=uses, label="where it got better")
        (found,) = yield Measure((trial,), "Looking where it got better", optional=True)
        if not found.ok:
            return 0.0, None, (), ""
        v = found.value
        rows = [(r["slice"], r["rows"], figure(r["before"]), figure(r["after"]),
                 None if r["share"] is None else percent(r["share"])) for r in v["rows"]]  # fmt: skip
        view = Table("Where it got better", ("slice", "rows", f"{v['loss']} before", "after", "of the gain"), rows)
        top = v["rows"][0]["slice"] if v["rows"] else ""
        said = f"The loss fell for {percent(v['rows_better'])} of the rows" + (f", most where {top}." if top else ".")
        return v["rows_better"], (found,), (view,), said
    if test == "shuffle":
        params = {"recipe": dict(step.recipe_after), "model": dict(step.after.model), "column": step.column}
        trial = Trial("shuffled", params, s.data, label=f"shuffling {step.column}")
        (found,) = yield Measure((trial,), f"Shuffling {step.column}", optional=True)
        if not found.ok or found.value["loss"] is None:
            return 0.0, None, (), ""
        v = found.value
        said = f"Shuffling {step.column} costs {figure(v['loss'])} {m.title} on {v['exams']} exams: {v['verdict']}."
        return v["loss"], (found,), (), said
    return (yield from _ablated(stand, step))


def _ablated(stand: Standing, step: Step) -> Conversation:
    """Both models once more on exams drawn afresh."""
    s, m = stand.s, stand.metric
    trials = []
    for recipe, c in ((step.recipe_before, step.before), (step.recipe_after, step.after)):
        plan = {**recipe["plan"], "seed": int(recipe["plan"].get("seed", 0)) + 1}
        params = {"recipe": {**recipe, "plan": plan}, "model": dict(c.model), "folds": None}
        trials.append(Trial("cross_validate", params, s.data, label=f"{c.title}: exams drawn afresh"))
    was, now = yield Measure(tuple(trials), "Once more, on exams drawn afresh", optional=True)
    if not (was.ok and now.ok):
        return 0.0, None, (), ""
    lost = m.oriented(now.value["value"]) - m.oriented(was.value["value"])
    figures = [(c.title, figure(e.value["value"])) for c, e in ((step.before, was), (step.after, now))]
    views: tuple[View, ...] = (Table("On exams drawn afresh", ("model", m.title), figures),)
    found: tuple[Evidence, ...] = (was, now)
    return float(lost), found, views, f"On fresh exams taking it away costs {figure(lost)} {m.title}."


def ask_parked() -> Ask:
    return Ask(
        PARKED,
        recommended="",
        reason="Nothing is parked unless you write it.",
        shows=(Words("Such as", "\n".join(STARTERS)),),
    )
