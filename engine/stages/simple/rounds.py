"""What the rounds of improving share: where the session stands, and whether a challenger has earned its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.effects import Ask, Conversation, Measure
from engine.metrics import Metric, figure
from engine.models.catalogue import parts_of_model
from engine.plans import alpha_of_round
from engine.questions import Judgement, Level, Objection, Option, Question, Why
from engine.records import Evidence, Json, Trial
from engine.session import Session
from engine.stages.ladder import Candidate, about_model, asked_by, compare, examine, ladder_view, metric
from engine.stages.simple.climbing import broken_limit
from engine.views import View

UNEVEN = 2.0  # times as many trials as the other had, from which a comparison is called uneven

ACCEPT = Question(
    "improve.accept",
    "Has {challenger} earned the place of {champion}?",
    why_required=True,
    options=(Option("accept", "Take it"), Option("keep", "Keep what stands")),
    whys=(
        Why("Why this verdict?", "{reason}", "Decision catalogue 2.5"),
        Why("What is it held to?", "{rule}"),
        Why(
            "Why does it get harder each round?",
            "Every look at the same exams may be luck. All rounds together may take a model that is no better in one "
            "of ten sessions; this one may spend {alpha}.",
            "Decision catalogue 2.6",
        ),
    ),
    source="Decision catalogue, R1, R5 and 2.6; Cawley & Talbot 2010",
)


@dataclass
class Standing:
    """Where improving stands: the model that is carried forward, and what was examined before and since.

    runners: the candidates of the climb.  comparisons: rounds of comparing that were spent on this rung, the climb's
    own counted as one.  closed: kinds of steps that were taken, of which the guide says no more by itself.
    """

    s: Session
    model: Candidate
    runners: Sequence[Candidate]
    comparisons: int = 1
    closed: set[str] = field(default_factory=set)
    tuned: set[str] = field(default_factory=set)  # names of models whose knobs were turned
    blended: set[str] = field(default_factory=set)  # names of blends that were tried
    accepted: int = 0

    @property
    def metric(self) -> Metric:
        return metric(self.s)

    @property
    def delta(self) -> float:
        return self.s.choice("problem.smallest_gain", default=0.0)

    def alpha(self) -> float:
        """What the next comparison may spend."""
        return alpha_of_round(self.comparisons + 1)


def challenge(stand: Standing, what: Mapping[str, Json], label: str, delta: float) -> Conversation:
    """Examine a model, time it, and hold it against the standing one; the candidate with its verdict, or None where it
    could not be measured.  delta: the gain that it must bring beside being better."""
    s = stand.s
    exams, speed = yield Measure((examine(s, what), about_model(s, "latency", what, "speed")), label, optional=True)
    found = Candidate(what, exams, speed, asks=asked_by(what, (stand.model, *stand.runners)))
    if not found.ok:
        return found
    return (yield from judged(stand, found, compare(s, stand.model, [found], delta, round_=stand.comparisons + 1)))


def judged(stand: Standing, found: Candidate, comparing: Trial) -> Conversation:
    """The candidate with the verdict of a comparison; this spends one round of the rung's budget."""
    (verdicts,) = yield Measure((comparing,), optional=True)
    if not verdicts.ok:
        return replace(found, exams=Evidence(found.exams.key, found.exams.kind, {}, error=verdicts.error))
    stand.comparisons += 1
    return replace(found, verdict=verdicts.value["rows"][0], against=stand.model.title)


def ask_accept(
    stand: Standing,
    round_: str,
    found: Candidate,
    *,
    rule: str,
    shows: Sequence[View] = (),
    said: str = "",
    evidence: Sequence[Evidence] = (),
) -> Conversation:
    """Ask whether the challenger takes the place of the standing model; True where it does (and stands then)."""
    s, m, champion = stand.s, stand.metric, stand.model
    verdict = found.verdict or {}
    limit = broken_limit(s, found)
    accepted = bool(verdict.get("accepted")) and not limit
    uneven = _uneven(champion, found)

    def judge(choice: Json) -> Judgement:
        check = found.check(m, champion.value, rung=choice == "accept")
        objections: list[Objection] = [Objection(Level.FLAG, uneven, "M12")] if uneven else []
        if choice == "keep":
            if accepted:
                objections.append(Objection(Level.NOTE, "It earned its place by the rule you set."))
        elif limit:
            objections.append(Objection(Level.BLOCK, limit))
        elif not accepted:
            flag = "M03" if found.spec.tier > champion.spec.tier else "M03b"
            objections.append(Objection(Level.HOLD, verdict.get("sentence", ""), flag))
        return Judgement(tuple(objections), check)

    price = _price(champion, found)
    answer = yield Ask(
        ACCEPT,
        subject=round_,
        options=(
            Option("accept", f"Take {found.title}", "", found.option(m).figures),
            Option("keep", f"Keep {champion.title}", "", champion.option(m).figures),
        ),
        recommended="accept" if accepted else "keep",
        reason=" ".join(part for part in (verdict.get("sentence", ""), limit, said, price) if part),
        facts={"challenger": found.title, "champion": champion.title, "rule": rule,
               "alpha": figure(verdict.get("alpha") or stand.alpha())},
        evidence=(found.exams, champion.exams, *(e for e in evidence if e.ok)),
        shows=(ladder_view(m, (champion, found), s.choice("problem.success")), *shows),
        judge=judge,
    )  # fmt: skip
    if answer.choice != "accept":
        return False
    stand.model = found
    stand.accepted += 1
    return True


def _price(champion: Candidate, found: Candidate) -> str:
    """What it costs beside what stands, in a sentence."""
    slower = found.seconds() / max(champion.seconds(), 1e-9)
    said = f"Fitting takes {figure(slower)}× as long"
    if found.p95 and champion.p95:
        said += f", an answer {figure(found.p95)} ms against {figure(champion.p95)} ms (p95)"
    return said + "."


def trials_of(model: Mapping[str, Json]) -> int:
    """How many settings of a model were looked at: of one made of others, of all of them together."""
    settings = model.get("settings") or {}
    if model["name"] == "tuned":
        return int(settings.get("trials", 1))
    return max([1, *(trials_of(part) for part in parts_of_model(model))])


def family(model: Mapping[str, Json]) -> str:
    """The kind of model under a search: `tuned` logistic regression is of the family of logistic regression."""
    parts = parts_of_model(model)
    return "+".join(map(family, parts)) if parts else str(model["name"])


def _uneven(champion: Candidate, found: Candidate) -> str:
    """Of two families one may have had far more tries than the other (M12), in a sentence; "" where all is even."""
    if family(champion.model) == family(found.model):
        return ""
    mine, other = trials_of(found.model), trials_of(champion.model)
    if max(mine, other) <= UNEVEN * min(mine, other):
        return ""
    more, less = (found, champion) if mine > other else (champion, found)
    return f"{more.title} was tried with {max(mine, other)} settings, {less.title} with {min(mine, other)}: uneven."
