"""A reason first, then a measurement: what a net should see, where, and how much that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import BY_NAME, figure
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.columns import counted, percent
from engine.stages.deep.situation import Situation
from engine.stages.ladder import Candidate

EVERYWHERE = "all"
CLASSES_SHOWN = 3

HYPOTHESIS = Question(
    "deep.hypothesis",
    "What can a net see here that {champion} cannot? Which errors should vanish?",
    Form.TEXT,
    asks="person",
    whys=(
        Why("Why first?", "A reason first, then a measurement; the other way round every result has a story.", "S002"),
        Why("Where do I look?", "At a weak slice, or at columns that act together."),
        Why("What is done with it?", "The gain you expect is held against the gain measured."),
        Why(
            "May it be unusual?",
            "Yes: a document as a picture of where its words stand is a hypothesis, too.",
            "S003 creative combinations",
        ),
    ),
    fact=True,
    source="S002 hypothesis before complexity; S003 creative combinations",
)
TARGET = Question(
    "deep.target",
    "Which rows should it get right that {champion} does not?",
    options=(Option(EVERYWHERE, "All alike"),),
    fact=True,
    whys=(
        Why("Why name some?", "A hypothesis that names its rows can be wrong, and only then can it be right.", "S002"),
        Why("Why these?", "{reason}"),
        Why("What is done with it?", "Their loss is measured again for the net, and shown beside its verdict."),
    ),
    source="Decision catalogue, deep.hypothesis: target slice re-measured",
)
EXPECTED = Question(
    "deep.expected_gain",
    "How much {metric} do you expect it to gain?",
    Form.NUMBER,
    asks="person",
    low=0,
    fact=True,
    source="S002; review flag M34",
    whys=(
        Why("Why a number?", "Over several projects it shows whether your feeling for gains is right."),
        Why("What is enough?", "{reason}"),
        Why("What is it held against?", "The paired difference on the exams that both take; the review shows both."),
    ),
)
HELD = Question(
    "deep.hypothesis_held",
    "Did what was expected come?",
    options=(Option("yes", "As expected, or more"), Option("partly", "In part"), Option("no", "No")),
    whys=(
        Why("What was measured?", "{reason}"),
        Why("Why ask?", "A net that wins for another reason than the one given may win by luck.", "S002"),
        Why("Does it decide?", "No: whether the net is accepted follows from its proof on the exams alone."),
    ),
    source="S002; decision catalogue, deep.hypothesis",
)

QUESTIONS = (HYPOTHESIS, TARGET, EXPECTED)


def hypothesis(at: Situation, takes: str) -> Conversation:
    """Ask for the idea, the rows that it is about, and the gain that it promises.  takes: what the start net sees."""
    yield _ask_idea(at, takes)
    if len(targets(at)) > 1:
        yield _ask_target(at)
    yield _ask_expected(at)


def _ask_idea(at: Situation, takes: str) -> Ask:
    errors = at.s.decision("improve.errors")
    none = errors is not None and errors.check is not None and not errors.check.value  # no slice is weak
    weak = errors.reason if errors and not none else ""
    source = "Taken from the errors" if weak else "What such a net can do that the other cannot"

    def judge(text: Json) -> Judgement:
        if not text:
            return Judgement((Objection(Level.BLOCK, "Without a hypothesis the net is not trained."),))
        return Judgement()

    return Ask(
        HYPOTHESIS,
        recommended="; ".join(filter(None, (_what_it_sees(at, takes), f"{weak[:1].lower()}{weak[1:]}"))),
        reason=f"{source}; a hypothesis of your own is better.",
        facts={"champion": at.champion.title},
        judge=judge,
    )


def _what_it_sees(at: Situation, takes: str) -> str:
    champion = at.champion.title
    match at.s.material:
        case "image":
            return f"A stroke or an edge means the same wherever it stands, which {champion} must learn pixel by pixel"
        case "text" if takes == "terms":
            return f"Words that count only beside others, each of which {champion} weighs by itself"
        case "text":
            return f"The order of words and what stands near them, of which {champion} sees only how often"
        case "series":
            if at.champion.name == "smoothing":
                return f"Turns in the last values that are neither level, trend nor season, which is all {champion} has"
            return f"Shapes that may stand anywhere in the window, which {champion} weighs place by place"
    return f"Columns act together in ways that {champion} cannot bend to"


def targets(at: Situation) -> list[Option]:
    """The slices that the look at the errors found weak, the classes that are found least, and all rows."""
    found = []
    for name in at.s.about("improve.errors"):
        d = at.s.decision("improve.errors", name)
        if name and d is not None and d.check is not None and d.check.value is not None:
            rows, ratio = d.check.details.get("rows"), d.check.details.get("ratio")
            figures = {"rows": rows, "times the loss": None if ratio is None else round(ratio, 2)}
            found.append(Option(name, f"Where {name}", "", figures))
    classes = [row for row in at.champion.exams.value.get("per_class") or () if row.get("recall") is not None]
    if len(classes) > 2:
        worst = sorted(classes, key=lambda row: row["recall"])[:CLASSES_SHOWN]
        for row in worst:
            figures = {"rows": row["support"], "found": percent(row["recall"])}
            found.append(Option(f"{at.s.target} = {row['label']}", f"“{row['label']}”", "", figures))
    return [*found, *TARGET.options]


def _ask_target(at: Situation) -> Ask:
    options = targets(at)
    first = options[0]
    said = ", ".join(f"{_number(value)} {name}" for name, value in first.figures.items() if value is not None)
    return Ask(
        TARGET,
        options=tuple(options),
        recommended=first.key,
        reason=f"{said}: there is most to gain.",
        facts={"champion": at.champion.title},
    )


def _number(value: Json) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _ask_expected(at: Situation) -> Ask:
    delta = at.delta

    def judge(gain: Json) -> Judgement:
        check = Check("gain expected", gain, reference=delta, protocol="said before the net is trained")
        if gain is not None and gain < delta:
            message = f"You expect less than your smallest gain, {figure(delta)}: then it would not be kept, and need "
            return Judgement((Objection(Level.HOLD, message + "not be trained.", "M20"),), check)
        return Judgement(check=check)

    return Ask(
        EXPECTED,
        recommended=delta,
        reason=f"Your smallest gain, {figure(delta)}: with less it would not be kept.",
        facts={"metric": at.m.title},
        judge=judge,
    )


# -- what came of it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What was measured of the rows that the hypothesis names.  said: a sentence; evidence: None where it failed."""

    said: str = ""
    evidence: Evidence | None = None


def measure_target(at: Situation, net: Candidate, exams: Sequence[Evidence]) -> Conversation:
    """The loss of the named rows, before and after, on the exams that both took.

    exams: the evidence of the net's own answers, its first training first.
    """
    s = at.s
    named = s.choice("deep.target", default=EVERYWHERE)
    if named == EVERYWHERE:
        return Outcome()
    params: dict[str, Json] = {"recipe": s.recipe(), "slice": named}
    trial = Trial("target", params, s.data, uses=(at.champion.exams.key, exams[0].key), label=f"where {named}")
    (found,) = yield Measure((trial,), f"Looking where {named}", optional=True)
    if not found.ok:
        return Outcome()
    return Outcome(target_sentence(named, found.value, at.champion.title, net.title), found)


def target_sentence(named: str, v: Json, before: str, after: str) -> str:
    """“Where x = 1 (120 rows) the log loss is 0.31 with A and 0.25 with B: better (at least by 0.02).”"""
    word = {"better": "better", "worse": "worse"}.get(v["verdict"], "which may be luck")
    least = f", by {figure(v['lower'])} at least" if v["verdict"] == "better" else ""
    return (
        f"Where {named} ({counted(v['rows'], 'row')}) the {v['loss']} is {figure(v['before'])} with {before} and "
        f"{figure(v['after'])} with {after}: {word}{least}."
    )


def decide_held(s: Session, gain: float | None, se: float | None, outcome: Outcome) -> Ask | None:
    """What the journal says of expected and measured gain; None where nothing could be compared."""
    expected = s.choice("deep.expected_gain")
    if expected is None or gain is None:
        return None
    near = gain >= expected / 2 or gain + 1.96 * (se or 0.0) >= expected
    better = outcome.evidence is None or outcome.evidence.value["verdict"] == "better"
    choice = "no" if gain <= 0 or not near else "yes" if gain >= expected and better else "partly"
    within = f" ± {1.96 * se:.2g} (95 % interval)" if se else ""
    said = f"Expected a gain of {figure(expected)} {BY_NAME[s.metric].title}, measured {gain:+.3g}{within}."
    check = Check("gain", gain, reference=expected, protocol="paired, on the exams that both took", verdict=choice)
    return Decide(
        HELD,
        choice,
        f"{said} {outcome.said}".strip(),
        check=check,
        evidence=() if outcome.evidence is None else (outcome.evidence,),
    )
