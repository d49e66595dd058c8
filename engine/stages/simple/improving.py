"""What next?  Rounds of improving, in the order in which they usually pay: data, columns, families, knobs, blends.

Each round asks what to do, does it, and holds what came of it against what stands, with less error to spend than the
round before (2.6).  What was accepted is asked the why of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.effects import Ask, Conversation, Measure
from engine.metrics import figure
from engine.models.catalogue import model_spec
from engine.questions import Judgement, Level, Objection, Option, Question, Why
from engine.records import Check, Evidence, Json, Trial
from engine.session import Session
from engine.stages.columns import counted, listed
from engine.stages.ladder import Candidate, model, too_few
from engine.stages.simple import blending, features, tuning
from engine.stages.simple import why as whys
from engine.stages.simple.climbing import allowed_to_read
from engine.stages.simple.rounds import ACCEPT, Standing, ask_accept, challenge

MOST_ROUNDS = 12  # more is not improving but looking for luck: three already show in the review (M13)
MANY_ROUNDS = 3

NEXT = Question(
    "improve.next",
    "What next?",
    options=(
        Option("data", "The data: mend a fault, or get more rows"),
        Option("feature", "A column that tells what is missed"),
        Option("family", "A kind of model that was not tried"),
        Option("tune", "Turn the knobs"),
        Option("blend", "Combine models"),
        Option("deep", "Look whether a network has earned a try"),
        Option("stop", "Enough: go on to the threshold and to shipping"),
    ),
    whys=(
        Why("Why this?", "{reason}"),
        Why("Why in this order?", "Data beats model design, and model design beats tuning.", "S002 hierarchy"),
        Why(
            "May I go on for ever?",
            "Yes, but each round is held to less error than the one before: ever more proof for ever smaller gains.",
            "Decision catalogue 2.6",
        ),
    ),
    source="S002 a map of what to try when; Decision catalogue, improve.next",
)
FAMILY = Question(
    "improve.family",
    "Which kind of model?",
    whys=(
        Why("Why was it not tried?", "It was left out when the candidates were named."),
        Why("What must it do?", "Beat what stands, like any other: by R1, with what is left of the budget."),
    ),
    source="Decision catalogue, improve.next",
)

QUESTIONS = (
    NEXT, *features.QUESTIONS, FAMILY, *tuning.QUESTIONS, *blending.QUESTIONS, ACCEPT, *whys.QUESTIONS,
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """Something that could be done next.  open: the guide would do it; found: why, in a few words; gain: what it may
    bring, where that was measured.  dear: it would be open if it did not take so long."""

    key: str
    open: bool
    found: str
    gain: str = ""
    dear: bool = False


def improve(
    s: Session, champion: Candidate, runners: Sequence[Candidate], seen: Evidence | None = None
) -> Conversation:
    """Rounds until the person stops, or asks for a network; returns the model that stands then.

    runners: the candidates of the climb.  seen: the errors of the champion, where they were looked at.
    """
    blended = {c.name for c in runners if c.spec.composed}  # the climb's own average, whether it won or not
    stand = Standing(s, champion, [c for c in runners if c.ok and not c.spec.composed], blended=blended)
    if not stand.runners or too_few(s):  # with so few rows no verdict could be given
        return champion
    for n in range(1, MOST_ROUNDS + 1):
        close = yield from _agreement(stand)
        offered = tuning.candidates(stand, {} if close is None else {r["name"]: r for r in close.value["rows"]})
        parts = blending.partners(stand, close)
        items = _items(stand, seen, offered, parts)
        choice = (yield _ask_next(stand, n, items)).choice
        if choice in ("stop", "deep"):
            break
        before, recipe = stand.model, s.recipe()
        stand.closed.add(choice)
        kind = yield from _round(stand, str(n), choice, seen, offered, parts, close)
        if kind:
            yield from whys.why(stand, str(n), whys.Step(kind, before, stand.model, recipe, s.recipe()))
    yield whys.ask_parked()
    return stand.model


def _round(
    stand: Standing,
    n: str,
    choice: str,
    seen: Evidence | None,
    offered: Sequence[Candidate],
    parts: Sequence[Candidate],
    close: Evidence | None,
) -> Conversation:
    """Do what was chosen; what was accepted of it ("" for nothing), as `improve.why` names it."""
    match choice:
        case "feature":
            return (yield from features.feature(stand, n, seen))
        case "family":
            return (yield from _family(stand, n))
        case "tune":
            return (yield from tuning.tune(stand, n, offered))
        case "blend" if close is not None:
            return (yield from blending.blend(stand, n, parts, close))
    return ""


def _agreement(stand: Standing) -> Conversation:
    """How far the runners are from what stands, and say the same; None where nothing can be told.

    A model that was examined with other columns took the same exams: what it said can still be held against it.
    """
    others = [c for c in stand.runners if c.name != stand.model.name]
    if not others or stand.model.spec.tier in ("T0", "T1"):
        return None
    params = {"metric": stand.s.metric, "names": [stand.model.name, *(c.name for c in others)]}
    uses = (stand.model.exams.key, *(c.exams.key for c in others))
    trial = Trial("agreement", params, stand.s.data, uses=uses, label="how far the models say the same")
    (found,) = yield Measure((trial,), optional=True)
    return found if found.ok else None


# -- what is open -----------------------------------------------------------------------------------------------------


def _items(
    stand: Standing, seen: Evidence | None, offered: Sequence[Candidate], parts: Sequence[Candidate]
) -> list[Item]:
    """Everything that can be done, in the catalogue's order."""
    found = [_data(stand), *_feature(stand, seen), *_families(stand), *_tune(stand, offered), *_blend(stand, parts)]
    return [*found, *_deep(stand), Item("stop", True, "nothing above is open")]


def _data(stand: Standing) -> Item:
    s = stand.s
    kept = [s.decision("data.leaks", column) for column, choice in s.about("data.leaks").items() if choice == "keep"]
    red = [d.subject for d in kept if d is not None and d.check is not None and d.check.verdict == "red"]
    curve = s.decision("improve.learning_curve")
    more = curve is not None and curve.choice == "more rows" and s.choice("data.more") != "no"
    mend = [slice_ for slice_, choice in s.about("improve.errors").items() if choice == "data_fix"]
    undone = "data" not in stand.closed
    if red:
        return Item("data", undone, f"{listed(red)} tells the answer and was kept")
    if more:
        expected = curve.check.value if curve is not None and curve.check is not None else None
        gain = "" if expected is None else f"{figure(expected)} {stand.metric.title} from twice the rows"
        return Item("data", undone, "more rows would bring more", gain)
    if mend:
        where = [f"where {slice_}" for slice_ in mend if slice_] or ["where no model believes the label"]
        return Item("data", undone, f"the data is to be mended {listed(where)}: go back for it, or note it")
    return Item("data", False, "no fault is open, and more rows are not what is lacking most")


def _feature(stand: Standing, seen: Evidence | None) -> list[Item]:
    s = stand.s
    if s.material != "table" or stand.model.spec.tier in ("T0", "T1") or stand.model.spec.tier >= "T5":
        return []
    rows = [r for r in (seen.value.get("slices") or ()) if r["weak"]] if seen is not None and seen.ok else []
    asked = [slice_ for slice_, choice in s.about("improve.errors").items() if choice == "feature"]
    total = sum(c["support"] for c in stand.model.exams.value.get("per_class") or ()) or tuning.rows_of(s)
    gain = ""
    if rows and total and seen is not None:
        worst = max(rows, key=lambda r: r["rows"] * (r["loss"] - r["rest"]))
        most = worst["rows"] / total * (worst["loss"] - worst["rest"])
        gain = f"at most {figure(most)} {seen.value['loss']}, if {worst['slice']} became like the rest"
    said = (
        f"{counted(len(rows), 'slice')} of the rows {'is' if len(rows) == 1 else 'are'} weak"
        if rows
        else "no slice is weak"
    )
    return [Item("feature", bool(rows or asked) and "feature" not in stand.closed, said, gain)]


def untried(stand: Standing) -> list[str]:
    """Models that were offered as candidates and left out, and that may be used."""
    s = stand.s
    decision = s.decision("simple.candidates")
    if decision is None:
        return []
    tried = {*decision.choice, *s.about("improve.family").values()}
    names = [str(o.key) for o in decision.options if o.key not in tried and not model_spec(str(o.key)).composed]
    readable = s.choice("problem.interpretability") == "readable"
    return [name for name in names if not readable or allowed_to_read(model_spec(name))]


def _families(stand: Standing) -> list[Item]:
    names = untried(stand)
    if not names:
        return []
    said = f"{listed(model_spec(name).title for name in names)} not tried"
    decision = stand.s.decision("simple.candidates")
    advised = decision.recommended if decision is not None and decision.recommended else []
    missing = any(
        name in advised for name in names
    )  # the others were left out for a reason, and may be tried all the same
    return [Item("family", missing and not _quick(stand.s) and "family" not in stand.closed, said)]


def _tune(stand: Standing, offered: Sequence[Candidate]) -> list[Item]:
    if not offered:
        return []
    first = offered[0]
    trials = tuning.advised(stand, first)
    if not trials:
        dear = f"searching settings of {first.title} would take longer than there is time for"
        return [Item("tune", False, dear, dear="tune" not in stand.closed)]
    mine = first.name == stand.model.name
    said = f"{first.title} stands with the settings it came with" if mine else f"{first.title} is within noise of it"
    return [Item("tune", mine and "tune" not in stand.closed, said)]


def _blend(stand: Standing, parts: Sequence[Candidate]) -> list[Item]:
    if not blending.blends(stand, parts):
        return []
    said = f"{listed(c.title for c in parts)} are equally good and err in different places"
    return [Item("blend", "blend" not in stand.closed and not _quick(stand.s), said)]


def _quick(s: Session) -> bool:
    """Whether the person is in a hurry: then what costs as much as the ladder did is offered, but not advised."""
    return s.choice("project.pace", default="quick") == "quick"


def _deep(stand: Standing) -> list[Item]:
    """A network is worth a look where trees found what a line does not see, or where rows are texts or pictures."""
    s = stand.s
    if s.choice("problem.interpretability") == "readable":
        return []
    bent = stand.model.spec.tier >= "T4"
    raw = s.material in ("text", "image")
    said = "the rows are raw" if raw else "trees earned their place: something is not a line" if bent else (
        "no sign of anything that a line or a small tree does not see"
    )  # fmt: skip
    return [Item("deep", raw or bent, said)]


def _ask_next(stand: Standing, n: int, items: Sequence[Item]) -> Ask:
    by_key = {item.key: item for item in items}
    first = next(item for item in items if item.open)
    labels = {o.key: o for o in NEXT.options}

    def judge(choice: Json) -> Judgement:
        earlier = []
        for item in items:
            if item.key == choice:
                break
            if item.open:
                earlier.append(item)
        check = Check("open before it", len(earlier), protocol="in the catalogue's order")
        found: list[Objection] = []
        if earlier and choice != "stop":
            flag = "M33" if earlier[0].key == "data" and choice in ("tune", "deep") else ""
            message = f"“{labels[earlier[0].key].label}” comes before it: {earlier[0].found}."
            found.append(Objection(Level.FLAG, message, flag))
        if n > MANY_ROUNDS and choice not in ("stop", "deep"):
            spent = f"{counted(stand.comparisons, 'comparison')} on these exams already: what wins now may be luck."
            found.append(Objection(Level.NOTE, spent))
        return Judgement(tuple(found), check)

    options = tuple(
        Option(item.key, labels[item.key].label, item.found, {"may bring": item.gain} if item.gain else {})
        for item in items
    )
    said = first.found[:1].upper() + first.found[1:]
    may = f"; it may bring {first.gain}" if first.gain else ""
    dear = next((i.found for i in items if i.dear), "")
    left = f" ({dear})" if dear else ""
    stop = f"{said}{left}: {stand.model.title} stands." if first.key == "stop" else f"{said}{may}."
    return Ask(
        NEXT,
        subject=str(n),
        options=options,
        recommended=first.key,
        reason=stop,
        facts={"open": counted(sum(i.open for i in by_key.values()) - 1, "step")},
        evidence=(stand.model.exams,),
        judge=judge,
    )


# -- another family ---------------------------------------------------------------------------------------------------


def _family(stand: Standing, n: str) -> Conversation:
    names = untried(stand)
    options = tuple(Option(name, model_spec(name).title, model_spec(name).why) for name in names)
    why = f"{model_spec(names[0]).title} is the simplest of those that were left out."
    chosen = (yield Ask(FAMILY, subject=n, options=options, recommended=names[0], reason=why)).choice
    found = yield from challenge(
        stand, model(stand.s, chosen), f"{model_spec(chosen).title}: practice exams", stand.delta
    )
    if not found.ok or found.verdict is None:
        return ""
    stand.runners = [*stand.runners, found]
    accepted = yield from ask_accept(stand, n, found, rule="It must be better, and by what you called worth it (R1).")
    return "family" if accepted else ""
