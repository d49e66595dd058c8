"""Combining models that are equally good and err in different places; the blend must earn its place like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from engine.effects import Ask, Conversation
from engine.models.catalogue import as_model, key_of, spec_of
from engine.questions import Judgement, Level, Objection, Option, Question, Why
from engine.records import Check, Evidence, Json
from engine.stages.columns import listed
from engine.stages.ladder import Candidate
from engine.stages.simple.rounds import Standing, ask_accept, challenge, family
from engine.stages.simple.tuning import rows_of
from engine.views import Table

ALIKE = 0.95  # correlation of the answers from which two models say the same
MOST = 3
STACK_FROM = 1_000  # rows

BLEND = Question(
    "improve.ensemble",
    "Combine models?",
    whys=(
        Why("Why these?", "{reason}", "Decision catalogue, improve.ensemble"),
        Why(
            "Why would it help?",
            "Where models err in different places, what they agree on is steadier than what any of them says.",
            "S001 ensembles",
        ),
        Why(
            "What does it cost?", "Two models to keep alive, to explain and to wait for: the time of an answer adds up."
        ),
    ),
    source="S001 ensemble; Karpathy 2019; Wolpert 1992",
)

QUESTIONS = (BLEND,)


def partners(stand: Standing, found: Evidence | None) -> list[Candidate]:
    """The standing model and up to two more of other families, each within one standard error of it, and no two of
    which say the same; fewer than two where there are none."""
    if found is None or not found.ok or stand.s.choice("problem.interpretability") == "readable":
        return []
    if stand.model.spec.tier in ("T0", "T1") or stand.model.spec.tier >= "T5":
        return []
    rows = {row["name"]: row for row in found.value["rows"]}
    alike = {frozenset((a, b)): value for a, b, value in found.value["pairs"]}
    chosen = [stand.model]
    order = sorted((c for c in stand.runners if c.name in rows), key=lambda c: -(rows[c.name]["diff"] or 0.0))
    for c in order:
        row = rows[c.name]
        within = row["diff"] is not None and row["se"] is not None and -row["diff"] <= row["se"]
        apart = all(
            family(c.model) != family(other.model) and (alike.get(frozenset((c.name, other.name))) or 1.0) < ALIKE
            for other in chosen
        )
        if within and apart and c.spec.tier not in ("T0", "T1") and len(chosen) < MOST:
            chosen.append(c)
    return chosen


def blends(stand: Standing, parts: Sequence[Candidate]) -> list[dict[str, Json]]:
    """What can be made of them, those tried before left out: pairs with the standing model, all three, and the same
    stacked."""
    if len(parts) < 2:
        return []
    sets = [(parts[0], c) for c in parts[1:]] + ([tuple(parts)] if len(parts) > 2 else [])
    made = [{"name": "average", "settings": {"of": [dict(c.model) for c in chosen]}} for chosen in sets]
    if rows_of(stand.s) >= STACK_FROM:
        stack = as_model("stack")["settings"]
        made += [{"name": "stack", "settings": {**stack, "of": [dict(c.model) for c in chosen]}} for chosen in sets]
    return [what for what in made if key_of(what) not in stand.blended]


def blend(stand: Standing, round_: str, parts: Sequence[Candidate], found: Evidence) -> Conversation:
    """One round of combining; what was accepted ("" for nothing)."""
    offered = {key_of(what): what for what in blends(stand, parts)}
    choice = (yield _ask_blend(stand, round_, parts, offered, found)).choice
    if choice == "no":
        stand.blended |= set(offered)
        return ""
    stand.blended.add(choice)
    what = offered[choice]
    result = yield from challenge(stand, what, f"{spec_of(what).title}: practice exams and speed", stand.delta)
    if not result.ok:
        return ""
    rule = "A blend is more complex than any of its parts: it must be better, and by what you called worth it (R1)."
    accepted = yield from ask_accept(stand, round_, result, rule=rule)
    return "blend" if accepted else ""


def _ask_blend(
    stand: Standing, round_: str, parts: Sequence[Candidate], offered: Mapping[str, Mapping[str, Json]], found: Evidence
) -> Ask:
    alike = {frozenset((a, b)): value for a, b, value in found.value["pairs"]}
    rows = [(a.title, b.title, round(alike[frozenset((a.name, b.name))], 3)) for a, b in combinations(parts, 2)]
    least = min(rows, key=lambda row: row[2])

    def judge(choice: Json) -> Judgement:
        check = Check("correlation of answers", least[2], reference=ALIKE, protocol="out of fold")
        slow = _too_slow(stand, parts, offered.get(choice))
        if slow:
            return Judgement((Objection(Level.FLAG, slow),), check)
        return Judgement(check=check)

    options = [Option(key, spec_of(what).title, spec_of(what).why) for key, what in offered.items()]
    return Ask(
        BLEND,
        subject=round_,
        options=(*options, Option("no", "No: one model is enough")),
        recommended=next(iter(offered)),
        reason=f"{listed(c.title for c in parts)} are within one standard error, and their answers out of fold "
        f"correlate with {least[2]:.2f} only: worth one comparison, which the blend must win.",
        evidence=(found,),
        shows=(Table("How far they say the same, out of fold", ("one", "other", "correlation"), rows),),
        judge=judge,
    )


def _too_slow(stand: Standing, parts: Sequence[Candidate], what: Mapping[str, Json] | None) -> str:
    """Whether the answers of the parts together already take longer than is allowed."""
    limit = stand.s.choice("problem.latency")
    if what is None or limit is None:
        return ""
    keys = {key_of(model) for model in what["settings"]["of"]}
    total = sum(c.p95 or 0.0 for c in parts if c.name in keys)
    return f"Its parts together need {total:.2g} ms an answer; your limit is {limit:g} ms." if total > limit else ""
