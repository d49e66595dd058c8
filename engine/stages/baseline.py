"""Baseline: how good is no model, how good is the rule of an experienced person, and where the line is drawn."""

from __future__ import annotations

import re

from engine.conductor import Stage, needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.errors import DataProblem
from engine.metrics import Metric, figure
from engine.plans import default_delta
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.columns import counted, listed
from engine.stages.define.purpose import NOT_STATED
from engine.stages.ladder import (
    Candidate,
    best,
    compare,
    examine,
    floors_of,
    interval,
    ladder_view,
    metric,
    model,
    per_class_view,
)
from engine.stages.worth import measure_worth, no_model, worth_sentence
from engine.whys import tokens

CLAIMED = Question(
    "baseline.today",
    "What does today's way reach in {metric}?",
    Form.NUMBER,
    asks="person",
    fact=True,
    whys=(
        Why("Why ask?", "A model that does not reach what people reach today is no progress.", "S004; Zinkevich #1"),
        Why("Is it believed?", "It is shown as claimed: it was measured on other rows, or on none."),
        Why("What if nobody counted?", "Leave it empty; the best baseline stands in its place."),
    ),
    source="S004 baseline; Zinkevich #1",
)
DUMMY = Question(
    "baseline.dummy",
    "How good is no model at all?",
    source="S004 “the first model is no model”; scikit-learn, dummy estimators",
    whys=(
        Why("Why measure it?", "Guessing scores {x}; that is the floor.", "S004"),
        Why("Why several kinds?", "The best of them counts: a floor must not be set low on purpose."),
        Why(
            "Why an interval for a constant?",
            "The exams differ, so even a constant's score moves from one to the next.",
        ),
    ),
)
COLUMN = Question(
    "baseline.column",
    "How far does the best single column go?",
    options=(Option("accept", "It beats no model"), Option("reject", "It does not beat no model")),
    whys=(
        Why("Why measure it?", "One-column rules come close to large models on most common tables.", "Holte 1993"),
        Why("Which column?", "The one whose groups say most about rows left out, chosen inside each training part."),
        Why("Is it a model?", "Barely: one column, cut into up to 16 groups, each said as its rows were."),
    ),
    source="Holte 1993, very simple classification rules; S004",
)
RULE = Question(
    "baseline.rule",
    "And the experienced person's rule?",
    options=(Option("accept", "It beats no model"), Option("reject", "It does not beat no model")),
    source="S004 60/40; Karpathy 2019, human baseline",
    whys=(
        Why("Why score it?", "A model must beat this, not the coin.", "Zinkevich #1"),
        Why("How?", "{reason}"),
        Why("Was anything fitted?", "No: the rule is examined as it was written."),
    ),
)
SUCCESS = Question(
    "problem.success",
    "From which {metric} on would you put it to use?",
    Form.NUMBER,
    asks="person",
    whys=(
        Why("Why now?", "The floor is known ({x}) and no model has been seen: later the line would follow the result."),
        Why("Why this line?", "{reason}", "S004: 50/50 to 55/45 may already be worth money"),
        Why("Can it move?", "Yes, and the review says so: a line moved after a result is flagged."),
    ),
    fact=True,
    source="S004",
)
GAIN = Question(
    "problem.smallest_gain",
    "What is the smallest improvement in {metric} worth having a more complicated model for?",
    Form.NUMBER,
    low=0,
    default=0.0,
    whys=(
        Why("Why ask?", "With enough rows even a gain of nearly nothing becomes certain; certain is not useful.", "BN"),
        Why("Why this much?", "{reason}"),
        Why("Why not 0?", "Then every lucky wiggle counts.", "S002: favour the simpler"),
    ),
    source="S002; Benavoli et al. 2017; Godbole et al. 2023",
)
CONFIRM = Question(
    "baseline.confirm",
    "Floor {x}. Is your success line still {success}, the smallest gain {delta}, the metric {metric}?",
    asks="person",
    options=(Option("confirm", "Yes; from here on these stand"),),
    whys=(
        Why("Why freeze them?", "A line drawn after the result is drawn around it.", "REFORMS"),
        Why("What if I want another?", "Go back: it starts a branch, and both stay comparable."),
        Why("What was seen so far?", "Only the floor; no score of a model has been shown."),
    ),
    source="S004; REFORMS 2024",
)
ENOUGH = Question(
    "baseline.enough",
    "The baseline alone reaches your line. Stop here?",
    asks="person",
    options=(Option("ship", "Put the baseline to use"), Option("go_on", "Look at models all the same")),
    whys=(
        Why("Why stop?", "Do not be afraid to launch without machine learning.", "Zinkevich #1"),
        Why("How sure is it?", "{reason}"),
        Why(
            "What if I stop?", "The baseline is examined on the locked rows, and kept; models can be tried another day."
        ),
    ),
    source="Zinkevich #1; S004",
)

QUESTIONS = (CLAIMED, DUMMY, COLUMN, RULE, SUCCESS, GAIN, CONFIRM, ENOUGH)


def baseline(s: Session) -> Conversation:
    m = metric(s)
    claimed = yield from _today(s, m)
    floor, rivals = yield from floors(s)
    reason = (
        f"The floor is {figure(floor.value)} {m.title} ({_range(floor)}): the best of {counted(len(rivals), 'way')} of "
        f"using no model, “{floor.title}”. {no_model(s, rivals)}"
    )
    yield Decide(
        DUMMY,
        floor.name,
        reason.strip(),
        options=tuple(c.option(m) for c in rivals),
        check=floor.check(m, None),
        evidence=[c.exams for c in rivals],
        shows=(ladder_view(m, rivals, claimed=claimed),),
        facts={"x": figure(floor.value)},
    )
    column = yield from single(s, floor)
    if column is not None:
        found = yield from measure_worth(s, rivals, (column,))
        yield _decide_column(s, m, column, floor, worth_sentence(s, rivals, found, column.name), found)
    rule = yield from ruled(s, floor)
    champion = highest(m, floor, column, rule)
    if rule is not None:
        found = yield from measure_worth(s, rivals, (rule,))
        said = worth_sentence(s, rivals, found, rule.name)
        yield _decide_rule(m, rule, floor, champion, said, found)

    line = (yield _ask_success(m, champion, claimed)).choice
    delta = (yield _ask_gain(m, champion)).choice
    yield _ask_confirm(m, champion, line, delta)
    if _reaches(m, champion, line):
        yield _ask_enough(m, champion, line)


def _today(s: Session, m: Metric) -> Conversation:
    """What today's way is said to reach; None where nobody decides today, or nobody knows."""
    said = str(s.choice("problem.today", default=NOT_STATED))
    if not said or said == NOT_STATED or m.name == "pinball" or not tokens(said) - {"know", "knows", "don", "nobody"}:
        return None

    def judge(choice: Json) -> Judgement:
        check = Check(m.name, choice, protocol="as claimed, measured by nobody here")
        if choice is not None and not m.low <= choice <= m.high:
            bound = f"above {m.high:g}" if choice > m.high else f"below {m.low:g}"
            return Judgement((Objection(Level.BLOCK, f"{m.title} cannot be {bound}."),), check)
        return Judgement(check=check)

    answer = yield Ask(
        CLAIMED,
        recommended=_claimed_in(said, m),
        reason=f"You said of today: “{said}”.",
        facts={"metric": m.title},
        judge=judge,
    )
    return answer.choice


def _claimed_in(text: str, m: Metric) -> float | None:
    """The one number of the text that can only be meant as the score: between 0 and 1, with a point, for a score that
    lies there."""
    if not m.bounded:
        return None
    found = {float(n) for n in re.findall(r"(?<![\d.,])0?[.,]\d+(?!\d)", text.replace(",", "."))}
    return found.pop() if len(found) == 1 else None


def claimed_today(s: Session) -> float | None:
    """What today's way is said to reach, in the metric's unit."""
    return s.choice("baseline.today")


def floors(s: Session) -> Conversation:
    """Examine every way of using no model; returns the best, and all of them."""
    kinds = floors_of(s)
    measured = yield Measure(tuple(examine(s, kind) for kind in kinds), "Scoring no model at all", optional=True)
    needed([e for kind, e in zip(kinds, measured, strict=True) if kind["name"] != "cheapest"])
    rivals = tuple(Candidate(kind, e) for kind, e in zip(kinds, measured, strict=True) if e.ok)
    if not any(rival.ok for rival in rivals):
        raise DataProblem(
            f"{metric(s).title} cannot be computed on these exams, not even of a constant; go back to problem.metric "
            "and choose another."
        )
    return best(metric(s), rivals), rivals


def ruled(s: Session, floor: Candidate) -> Conversation:
    """Examine the person's rule against the floor; None when none was given."""
    if s.task == "forecast":
        if s.choice("problem.growth") is None:
            return None
        what = model(s, "season_growth")
    else:
        rules = s.choice("problem.rule", default=[])
        if not rules:
            return None
        checking = Trial("rule", {"recipe": s.recipe(), "rules": rules}, s.data, label="reading the rule")
        needed((yield Measure((checking,), "Reading the rule")))
        what = model(s, "rule")
    (exams,) = yield Measure((examine(s, what),), "Examining the rule")
    needed([exams])
    rule = Candidate(what, exams)
    (verdicts,) = yield Measure((compare(s, floor, [rule], 0.0),))
    return Candidate(what, exams, verdict=needed([verdicts])[0]["rows"][0], against=floor.title)


def single(s: Session, floor: Candidate) -> Conversation:
    """Examine the best single column against the floor; None where rows are no columns, there is only one, or rows are
    so few that nothing that learns can be examined."""
    drawn = s.decision("split.drawn")
    too_tiny = bool(drawn and drawn.check and drawn.check.details.get("too_tiny"))
    if s.material != "table" or s.task == "forecast" or too_tiny or len(s.input_types()) < 2:
        return None
    what = model(s, "one_column")
    (exams,) = yield Measure((examine(s, what),), "One column alone", optional=True)
    column = Candidate(what, exams)
    if not column.ok:
        return None
    (verdicts,) = yield Measure((compare(s, floor, [column], 0.0),), optional=True)
    if not verdicts.ok:
        return None
    return Candidate(what, exams, verdict=verdicts.value["rows"][0], against=floor.title)


def highest(m: Metric, floor: Candidate, *others: Candidate | None) -> Candidate:
    """The baseline that models have to beat: of what beats no model the best, else no model."""
    passed = [c for c in others if c is not None and c.verdict and c.verdict["accepted"]]
    return best(m, passed) if passed else floor


def _decide_column(
    s: Session, m: Metric, column: Candidate, floor: Candidate, worth: str, found: Evidence | None
) -> Ask:
    accepted = bool(column.verdict and column.verdict["accepted"])
    verdict = (column.verdict or {}).get("sentence", "")
    must = "What needs more columns must beat this, not the coin." if accepted else ""
    said = f"One column alone, {_columns(column)}, scores {figure(column.value)} {m.title} ({_range(column)})."
    return Decide(
        COLUMN,
        "accept" if accepted else "reject",
        " ".join(part for part in (said, verdict, worth, must) if part),
        check=column.check(m, floor.value, rung=accepted),
        evidence=[column.exams, *([found] if found else [])],
        shows=[ladder_view(m, (floor, column), claimed=claimed_today(s))],
    )


def _columns(column: Candidate) -> str:
    """The columns that the exams took: mostly the same one."""
    taken = column.exams.value.get("notes") or []
    if len(taken) == 1:
        return f"{taken[0]} in every exam"
    return f"{listed(taken, 3)}, another in some exams" if taken else "chosen inside each exam"


def _decide_rule(
    m: Metric, rule: Candidate, floor: Candidate, champion: Candidate, worth: str, found: Evidence | None
) -> Ask:
    accepted = bool(rule.verdict and rule.verdict["accepted"])
    stands = accepted and champion.name == rule.name
    views = [ladder_view(m, (floor, rule)), per_class_view(rule.exams)]
    after = ""
    if accepted:
        after = " A model must beat this, not the coin." if stands else f" “{champion.title}” is better still."
    return Decide(
        RULE,
        "accept" if accepted else "reject",
        f"Your rule scores {figure(rule.value)} {m.title} ({_range(rule)}). "
        + " ".join(part for part in ((rule.verdict or {}).get("sentence", ""), worth) if part)
        + after,
        check=rule.check(m, floor.value, rung=stands),
        evidence=[rule.exams, *([found] if found else [])],
        shows=[v for v in views if v is not None],
    )


def _range(c: Candidate) -> str:
    low, high = c.exams.value["low"], c.exams.value["high"]
    return f"95 % interval {interval(low, high)}" if low is not None else "no interval"


def _ask_success(m: Metric, champion: Candidate, claimed: float | None) -> Ask:
    x = champion.value
    line = x + 0.1 * (1 - x) if m.bounded else x - 0.1 * abs(x)  # a cost may be negative: a gain
    line = float(f"{line:.3g}")
    today = claimed is not None and m.oriented(claimed) > m.oriented(line)
    if today:
        line = claimed

    def judge(choice: Json) -> Judgement:
        check = Check(m.name, choice, reference=x, protocol="success line against the best baseline")
        if choice is None:
            return Judgement((Objection(Level.HOLD, "Without a line nobody can say when it is good enough."),), check)
        if not m.low <= choice <= m.high:
            bound = f"above {m.high:g}" if choice > m.high else f"below {m.low:g}"
            return Judgement((Objection(Level.BLOCK, f"{m.title} cannot be {bound}."),), check)
        if m.oriented(choice) < m.oriented(x):
            return Judgement((Objection(Level.FLAG, f"The line lies below the baseline's {figure(x)}."),), check)
        return Judgement(check=check)

    return Ask(
        SUCCESS,
        recommended=line,
        reason=f"It is what you say today's way reaches; the best baseline here reaches {figure(x)}."
        if today
        else f"It takes a tenth off what the floor of {figure(x)} leaves "
        + ("wrong." if m.bounded else "to be gained." if x < 0 else "as loss."),
        facts={"metric": m.title, "x": figure(x)},
        evidence=(champion.exams,),
        judge=judge,
    )


def _ask_gain(m: Metric, champion: Candidate) -> Ask:
    delta = float(f"{default_delta(m, champion.value, champion.value):.3g}")

    def judge(choice: Json) -> Judgement:
        check = Check(m.name, choice, protocol="smallest gain that matters, δ")
        if not choice:
            return Judgement((Objection(Level.HOLD, "With 0 every lucky wiggle counts."),), check)
        return Judgement(check=check)

    small = "a hundredth of the scale" if delta >= 0.01 else "a tenth of what the floor misses to 1"
    usual = small if m.bounded else "1 % of the floor's loss"
    return Ask(
        GAIN,
        recommended=delta,
        reason=f"{figure(delta)} {m.title} is {usual}; less seldom pays for a model that is harder to keep.",
        facts={"metric": m.title},
        evidence=(champion.exams,),
        judge=judge,
    )


def _ask_confirm(m: Metric, champion: Candidate, line: float | None, delta: float) -> Ask:
    check = Check(m.name, champion.value, champion.exams.value["low"], champion.exams.value["high"], line, "floor")
    said = "none" if line is None else figure(line)
    return Ask(
        CONFIRM,
        recommended="confirm",
        reason="Nobody has seen a model's score yet, so none of the three follows from a result.",
        facts={"x": figure(champion.value), "success": said, "delta": figure(delta), "metric": m.title},
        evidence=(champion.exams,),
        judge=lambda _: Judgement(check=check),
    )


def _reaches(m: Metric, champion: Candidate, line: float | None) -> bool:
    """Whether the lower end of its interval reaches the line (the upper end, for a loss)."""
    v = champion.exams.value
    end = v["low"] if m.higher_is_better else v["high"]
    return line is not None and end is not None and m.oriented(end) >= m.oriented(line)


def _ask_enough(m: Metric, champion: Candidate, line: float) -> Ask:
    def judge(choice: Json) -> Judgement:
        note = (
            (Objection(Level.NOTE, "The baseline reaches your line; more is curiosity."),) if choice == "go_on" else ()
        )
        return Judgement(note, champion.check(m, line, rung=False))

    return Ask(
        ENOUGH,
        recommended="ship",
        reason=f"The whole {_range(champion)} of “{champion.title}” reaches your line of {figure(line)} {m.title}.",
        evidence=(champion.exams,),
        judge=judge,
    )


BASELINE = Stage("baseline", "Baseline", baseline, QUESTIONS)
