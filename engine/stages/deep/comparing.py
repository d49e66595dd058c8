"""Did the net beat what stands?  By the same exams, the same rule and the same amount of tuning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.effects import Ask, Conversation, Measure
from engine.metrics import figure
from engine.plans import alpha_of_round
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Evidence, Json, Option
from engine.stages.columns import counted
from engine.stages.deep.hypothesis import Outcome
from engine.stages.deep.situation import ALPHA, STRICT, Situation
from engine.stages.deep.training import Taken, deviation, otherwise, too_lucky, training_views
from engine.stages.ladder import Candidate, compare, ladder_view
from engine.stages.simple.climbing import allowed_to_read, broken_limit
from engine.stages.simple.rounds import UNEVEN, family, trials_of
from engine.views import View

COMPARE = Question(
    "deep.compare",
    "Did the net beat {champion}?",
    asks="person",
    why_required=True,
    options=(Option("accept", "Accept the net"), Option("reject", "Keep {champion}")),
    whys=(
        Why("Why this verdict?", "{reason}", "Decision catalogue 2.5, R1"),
        Why("What does it cost?", "{price}"),
        Why(
            "Why must it gain that much?",
            "A network is dearer to run, to explain and to mend; equal is not enough.",
            "S000",
        ),
    ),
    source="S002 “checked against a measurable metric, and only then accepted”; S000",
)

QUESTIONS = (COMPARE,)
SAME_SPEED = 1.1  # times, within which two timings are called the same


def alpha(strict: bool) -> float:
    return STRICT if strict else ALPHA


def held_to(
    at: Situation, champion: Candidate, taken: Taken, strict: bool, round_: int = 1, delta: float | None = None
) -> Conversation:
    """The network with its verdict against a champion, by R1; None where the two could not be compared."""
    trial = compare(at.s, champion, [taken.candidate], at.delta if delta is None else delta, alpha=alpha(strict),
                    round_=round_)  # fmt: skip
    (verdicts,) = yield Measure((trial,), optional=True)
    if not verdicts.ok:
        return None
    row = verdicts.value["rows"][0]
    return replace(taken, candidate=replace(taken.candidate, verdict=row, against=champion.title))


def spends(round_: int, strict: bool) -> float:
    """What a round may spend."""
    return alpha_of_round(round_, first=alpha(strict))


def settings_tried(at: Situation) -> int:
    """How many settings of the network were looked at before it was compared: rates and dropouts that were measured."""
    rate, kept = at.s.decision("deep.lr"), at.s.decision("deep.regularise")
    measured = 1 if rate is not None and rate.evidence else 0
    dropouts = len(kept.evidence) // 3 if kept is not None else 1
    if kept is not None and kept.check is not None and "dropouts" in kept.check.details:
        dropouts = len(kept.check.details["dropouts"])  # training longer is no other setting: it stops by itself
    return 1 + measured + max(0, dropouts - 1)


def champion_tried(at: Situation) -> int:
    """How many settings of the champion were looked at: those of a search for it, also of one that changed nothing."""
    own, s = family(at.champion.model), at.s
    rounds = [round_ for round_, name in s.about("improve.tune").items() if name == own]
    searched = sum(int(s.choice("improve.trials", round_, default=0)) for round_ in rounds)
    return max(trials_of(at.champion.model), 1 + searched)


def effort(at: Situation) -> str:
    """How many settings of each were tried, in a sentence: whoever tries more wins more often (2.9)."""
    mine, other = settings_tried(at), champion_tried(at)
    return (
        f"{counted(mine, 'setting')} of the net {'was' if mine == 1 else 'were'} tried, {other} of {at.champion.title}."
    )


def uneven(at: Situation) -> str:
    """Whether the net was tuned more than twice as much as the champion (M12) because a person turned the guide's
    search for the champion down, or made it smaller; in a sentence, "" where not.

    What the stages look at by themselves is no choice of the person's, and no fault: it is said, and not flagged.
    """
    if settings_tried(at) <= UNEVEN * champion_tried(at):
        return ""
    s = at.s
    asked = [s.decision("improve.next", round_) for round_ in s.about("improve.next")]
    refused = any(d is not None and d.recommended == "tune" and d.choice != "tune" for d in asked)
    searches = [s.decision("improve.trials", round_) for round_ in s.about("improve.trials")]
    cut = any(d is not None and d.recommended and d.choice < d.recommended for d in searches)
    if not (refused or cut):
        return ""
    turned = "the search for its settings was turned down" if refused else "fewer were tried than advised"
    return f"{effort(at)[:-1]}: uneven, as {turned}."


def price(net: Candidate, champion: Candidate) -> str:
    """“trained 3× as long, has 120× the parameters, answers in 2 ms against 1 ms (p95), 2× slower”."""
    v, old = net.exams.value, champion.exams.value
    said = f"trained {figure(net.seconds() / max(champion.seconds(), 1e-9))}× as long, "
    said += f"has {figure(v['parameters'] / max(old['parameters'], 1))}× the parameters"
    if net.p95 and champion.p95:
        said += f", answers in {figure(net.p95)} ms against {figure(champion.p95)} ms (p95), "
        times = net.p95 / champion.p95
        near = 1 / SAME_SPEED < times < SAME_SPEED
        said += "as fast" if near else f"{figure(times)}× slower" if times > 1 else f"{figure(1 / times)}× faster"
    return said


def ask_place(
    question: Question,
    at: Situation,
    new: Candidate,
    old: Candidate,
    accept: str,
    keep: str,
    *,
    subject: str = "",
    lacks: str = "",
    before: str = "",
    between: str = "",
    after: str = "",
    notes: Sequence[Objection] = (),
    details: Mapping[str, Json] | None = None,
    evidence: tuple[Evidence, ...] = (),
    shows: tuple[View, ...] = (),
) -> Ask:
    """Whether a model takes the place of another: by the verdict it brings (R1), and within the person's limits.

    accept, keep: the options in words.  lacks: why it is not accepted though the verdict would do.  before, between,
    after: sentences around the verdict's.  notes: what is said whatever is chosen.  details: more for the check.
    """
    m = at.m
    verdict: Mapping[str, Json] = new.verdict or {}
    limit, sentence = limit_of(at, new), str(verdict.get("sentence", ""))
    accepted = bool(verdict.get("accepted")) and not limit and not lacks

    def judge(choice: Json) -> Judgement:
        check = new.check(m, old.value, rung=choice == "accept")
        check = replace(check, details={**check.details, **(details or {})})
        if choice == "reject":
            found = [o for o in notes if o.flag != "M15"]
            if accepted:
                found.append(Objection(Level.NOTE, "It earned its place by the rule you set."))
            return Judgement(tuple(found), check)
        if limit:
            return Judgement((Objection(Level.BLOCK, limit),), check)
        if not accepted:
            return Judgement((Objection(Level.HOLD, lacks or sentence, "M03"), *notes), check)
        return Judgement(tuple(notes), check)

    cost = price(new, old)
    stands = {k: v for k, v in old.option(m).figures.items() if k not in ("gain", "over")}  # its own gain is another's
    return Ask(
        question,
        subject=subject,
        options=(Option("accept", accept, "", new.option(m).figures), Option("reject", keep, "", stands)),
        recommended="accept" if accepted else "reject",
        reason=" ".join(f"{before} {sentence} {lacks} {limit} {between} It {cost}. {after}".split()),
        facts={"champion": old.title, "price": cost[:1].upper() + cost[1:] + "."},
        evidence=evidence,
        shows=shows,
        judge=judge,
    )


def ask_compare(at: Situation, taken: Taken, strict: bool, outcome: Outcome) -> Ask:
    s, champion, net = at.s, at.champion, taken.candidate
    scores = taken.scores(s.metric)
    more: dict[str, Json] = {"seed_sd": deviation(scores)} if len(scores) > 1 else {}
    luck = f"Seeds alone move its score by ±{figure(deviation(scores))}. " if more else ""
    proof = " Strict proof: a fifth of the usual error budget." if strict else ""
    return ask_place(
        COMPARE,
        at,
        net,
        champion,
        "Accept the net",
        f"Keep {champion.title}",
        between=outcome.said,
        after=f"{luck}{effort(at)} {otherwise(taken.own)}{proof}",
        notes=flags(at, taken),
        details=more,
        evidence=cited(taken, champion, outcome),
        shows=(ladder_view(at.m, (champion, net), s.choice("problem.success")), *training_views(taken.own[0])),
    )


def flags(at: Situation, taken: Taken) -> Sequence[Objection]:
    """What the review will say of the comparison whatever is chosen: uneven tuning, luck as large as the gain."""
    found = []
    if words := uneven(at):
        found.append(Objection(Level.FLAG, words, "M12"))
    if words := too_lucky(at, taken, (taken.candidate.verdict or {}).get("diff")):
        found.append(Objection(Level.FLAG, words, "M15"))
    return found


def limit_of(at: Situation, net: Candidate) -> str:
    """Which of the person's limits a model breaks, in a sentence; "" for none."""
    must_read = at.s.choice("problem.interpretability") == "readable"
    return broken_limit(at.s, net) or ("" if not must_read or allowed_to_read(net.spec) else "It cannot be read.")


def cited(taken: Taken, champion: Candidate, outcome: Outcome | None = None) -> tuple:
    """The evidence that a decision about a network cites: its exams, each seed's own, and the champion's."""
    found = {e.key: e for e in (taken.candidate.exams, champion.exams, *taken.own)}
    if outcome is not None and outcome.evidence is not None:
        found[outcome.evidence.key] = outcome.evidence
    return tuple(found.values())
