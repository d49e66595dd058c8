"""Simple models: which compete, which one has earned its place, where it is wrong, and whether it may go to work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.conductor import Stage, needed
from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import BY_NAME, Metric, best_cut, figure
from engine.models.catalogue import ModelSpec, model_spec
from engine.questions import Form, Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option
from engine.session import Session
from engine.stages.baseline import floors, ruled
from engine.stages.columns import counted, listed, percent
from engine.stages.ladder import (
    Candidate,
    about_model,
    best,
    compare,
    examine,
    interval,
    ladder_view,
    metric,
    model,
    per_class_view,
)
from engine.views import Curves, Table, View

# Those of the catalogue's 4.5.1 that take part so far, by what the rows are made of.  On pixels a forest stands for the
# trees: with ten classes boosting takes 14 s a fit where it takes one (digits, 1,077 rows), and scores no better.
COMPETE: Mapping[str, tuple[str, ...]] = {
    "table": ("logistic", "ridge", "tree", "boosting"),
    "text": ("logistic", "complement_bayes", "ridge", "boosting"),
    "image": ("logistic", "ridge", "knn", "forest"),
}
TOO_GOOD = 0.99  # AUC, accuracy or R² from which a score wants an explanation (LK13)
READABLE_TIERS = ("T0", "T1", "T2", "T3")

CANDIDATES = Question(
    "simple.candidates",
    "Which simple models compete?",
    Form.CHOICES,
    whys=(
        Why("Why a linear model first?", "It runs as SQL, explains itself, and needs no GPU.", "S004; S000"),
        Why("Why name them before scoring?", "A race whose runners are added after the finish has no loser."),
        Why("Why these?", "{reason}", "Decision catalogue 4.5.1"),
    ),
    source="S004; S000: regression, trees; Kapoor & Narayanan 2023",
)
CHAMPION = Question(
    "simple.champion",
    "Which model should the session carry forward?",
    asks="person",
    why_required=True,
    whys=(
        Why("Why this one?", "{reason}", "Decision catalogue 2.5, R1"),
        Why(
            "Why not the highest score?", "Of two equally good models the higher mean is luck half of the time: {luck}"
        ),
        Why("Why is simple better?", "Complexity adds knobs that break, and readers who give up.", "S000; S002"),
    ),
    source="S002; S000 “the simplest model that works”; Godbole et al. 2023",
)
CURVE = Question(
    "improve.learning_curve",
    "More data or a better model?",
    source="S002: ten times the data; Karpathy 2019; scikit-learn, learning curves",
    whys=(Why("Why measure it?", "Data beats model design, and model design beats tuning.", "S002"),),
)
ERRORS = Question(
    "improve.errors",
    "Where is it wrong?",
    options=(Option("accept", "Seen; go on with these errors"),),
    source="S002: paranoia, per class and in groups; Benjamini & Hochberg 1995",
    whys=(
        Why("Why look?", "One terrible prediction costs trust.", "S002"),
        Why("Which slices are weak?", "{reason}"),
        Why("What is a weak slice?", "Its loss is at least 1.25 times that of the rest, and no accident at q = 0.10."),
    ),
)
THRESHOLD = Question(
    "improve.threshold",
    "From which probability on do you act?",
    Form.NUMBER,
    low=0,
    high=1,
    default=0.5,
    whys=(
        Why("Why not always 0.5?", "0.5 is right only when both mistakes cost the same.", "scikit-learn, threshold"),
        Why("Why this cut?", "{reason}"),
        Why(
            "Does it change the model?", "No: it moves the line between acting and not, after the probability is known."
        ),
    ),
    source="scikit-learn user guide, decision threshold; van den Goorbergh et al. 2022",
)
SHIP = Question(
    "simple.ship_now",
    "It reaches {x}; your line is {line}. Ship now and learn?",
    asks="person",
    options=(
        Option("ship", "Put it to use"),
        Option("pilot", "Put it to use on trial"),
        Option("improve", "Improve first"),
    ),
    whys=(
        Why(
            "Why ship early?",
            "In use it earns, shows what breaks in deployment, and brings more training data.",
            "S004",
        ),
        Why("Why this advice?", "{reason}"),
        Why("May I go on after shipping?", "Yes: as the next cycle, with this model as today's level."),
    ),
    source="S004 “kom i produktion”; Zinkevich, Rules of machine learning",
)

QUESTIONS = (CANDIDATES, CHAMPION, CURVE, ERRORS, THRESHOLD, SHIP)


def _competing(s: Session) -> tuple[str, ...]:
    names = COMPETE.get(s.material, COMPETE["table"])
    dense = s.choice("data.text") == "strings" and not s.undone("data.text")
    return tuple(n for n in names if n != "complement_bayes" or not dense)  # it takes counts, never below 0


def simple(s: Session) -> Conversation:
    if s.choice("baseline.enough") == "ship":
        return
    m = metric(s)
    names = (yield _ask_candidates(s)).choice
    start, runners, winner = yield from climb(s, names)

    chosen = (yield _ask_champion(s, m, start, runners, winner)).choice
    champion = next(c for c in (start, *runners) if c.name == chosen)

    yield from _learning_curve(s, champion)
    yield from _errors(s, champion)
    if s.task == "binary":
        yield _ask_threshold(s, champion)
    yield _ask_ship(s, m, champion)


# -- the ladder ----------------------------------------------------------------------------------------------------


def climb(s: Session, names: Sequence[str]) -> Conversation:
    """Examine the candidates and compare them tier by tier (2.8).

    Returns the baseline that they started from, the candidates with their verdicts, and the one that R1 takes.
    """
    floor, _ = yield from floors(s)
    rule = yield from ruled(s, floor)
    start: Candidate = rule if rule is not None and rule.verdict and rule.verdict["accepted"] else floor

    models = [model(s, name) for name in names]
    exams = yield Measure(tuple(examine(s, what) for what in models), "Practice exams", optional=True)
    speeds = tuple(about_model(s, "latency", what, "speed") for what in models)
    timings = yield Measure(speeds, "Timing predictions", optional=True)
    runners = [Candidate(w, e, t) for w, e, t in zip(models, exams, timings, strict=True)]
    delta = s.choice("problem.smallest_gain", default=0.0)

    champion, judged = start, []
    for tier in sorted({c.spec.tier for c in runners}):
        round_ = [c for c in runners if c.spec.tier == tier and c.ok]
        judged += [c for c in runners if c.spec.tier == tier and not c.ok]
        if not round_:
            continue
        (verdicts,) = yield Measure((compare(s, champion, round_, delta),))
        rows = needed([verdicts])[0]["rows"]
        compared = [
            Candidate(c.model, c.exams, c.latency, row, champion.title) for c, row in zip(round_, rows, strict=True)
        ]
        judged += compared
        passed = [c for c in compared if c.verdict and c.verdict["accepted"] and not broken_limit(s, c)]
        if passed:
            champion = best(metric(s), passed)
    return start, judged, champion


def broken_limit(s: Session, c: Candidate) -> str:
    """Which of the person's own limits this model breaks, in one sentence; "" when none."""
    limit = s.choice("problem.latency")
    if limit is not None and c.p95 is not None and c.p95 > limit:
        return f"{c.title} needs {figure(c.p95)} ms a prediction (p95); your limit is {figure(limit)} ms."
    if s.choice("problem.interpretability") == "readable" and not allowed_to_read(c.spec):
        return f"{c.title} cannot be read whole by an inspector; you said the model must be."
    rows = s.choice("problem.rows_per_parameter")
    drawn = s.decision("split.drawn")
    if rows and drawn and drawn.check and c.spec.tier in ("T6", "T7", "T8"):
        per = drawn.check.details["dev"] / max(c.exams.value["parameters"], 1)
        if per < rows:
            return f"{c.title} has {figure(per)} rows per parameter; your minimum is {figure(rows)}."
    return ""


def allowed_to_read(spec: ModelSpec) -> bool:
    return spec.tier in READABLE_TIERS and spec.readable


def _ask_candidates(s: Session) -> Ask:
    fitting = [model_spec(name) for name in _competing(s) if s.task in model_spec(name).tasks]
    must_read = s.choice("problem.interpretability") == "readable"
    offered = [spec for spec in fitting if not must_read or allowed_to_read(spec)]
    left_out = [spec.title for spec in fitting if spec not in offered]

    drawn = s.decision("split.drawn")
    too_tiny = bool(drawn and drawn.check and drawn.check.details.get("too_tiny"))

    def judge(choice: Json) -> Judgement:
        tiers = {model_spec(name).tier for name in choice}
        if not choice and not too_tiny:
            return Judgement((Objection(Level.BLOCK, "At least one model must compete."),))
        if choice and too_tiny:
            message = (
                "With so few rows a model's score is mostly luck; the baseline and a rule are what can be examined."
            )
            return Judgement((Objection(Level.HOLD, message),))
        if "T4" in tiers and "T2" not in tiers:
            message = "Boosted trees without a linear model: nobody would know what the trees are for."
            return Judgement((Objection(Level.BLOCK, message),))
        if "T4" not in tiers and any(spec.tier == "T4" for spec in offered):
            return Judgement((Objection(Level.NOTE, "Without trees a network cannot be justified later."),))
        return Judgement(check=Check("candidates", len(choice), protocol="named before any is scored"))

    why = "One of each kind, from the simplest up; each must beat the one before it."
    if left_out:
        why += f" {listed(left_out)} cannot be read whole, as you require."
    if too_tiny:
        why = "Fewer than 50 rows, or 10 of the rarest class: only the baseline and a rule can be examined."
    return Ask(
        CANDIDATES,
        options=tuple(Option(spec.name, spec.title, spec.why, {"tier": spec.tier}) for spec in offered),
        recommended=[] if too_tiny else [spec.name for spec in offered],
        reason=why,
        judge=judge,
    )


def _ask_champion(s: Session, m: Metric, start: Candidate, runners: Sequence[Candidate], winner: Candidate) -> Ask:
    choices = [start, *(c for c in runners if c.ok)]
    failed = [c for c in runners if not c.ok]

    def judge(choice: Json) -> Judgement:
        c = next(c for c in choices if c.name == choice)
        check = c.check(m, start.value, rung=c is not start)  # the baseline stands on the ladder already
        limit = broken_limit(s, c)
        if limit:
            return Judgement((Objection(Level.BLOCK, limit),), check)
        if c.spec.tier > winner.spec.tier:
            message = f"{(c.verdict or {}).get('sentence', 'It has not earned its complexity.')}"
            return Judgement((Objection(Level.HOLD, message, "M03"),), check)
        found = [Objection(Level.FLAG, good, "M25")] if (good := too_good(s, c)) else []
        if c.name != winner.name:
            message = f"{winner.title} is measurably better: {(winner.verdict or {}).get('sentence', '')}"
            found.append(Objection(Level.FLAG, message))
        return Judgement(tuple(found), check)

    beaten = [c for c in runners if c.ok and c.name != winner.name and c.verdict and c.spec.tier > winner.spec.tier]
    barred = {c.name: limit for c in choices if (limit := broken_limit(s, c))}
    earned = [c for c in beaten if c.name in barred and c.verdict and c.verdict["accepted"]]
    if winner.verdict:
        why = [winner.verdict["sentence"]]
    else:
        why = [f"No model {'within your limits ' if earned else ''}beat {start.title}."]
    for c in beaten:
        if c in earned:
            why.append(f"{c.title} earns it on score, but breaks a limit.")
        elif c.verdict:
            why.append(c.verdict["sentence"])
    why += barred.values()
    why += [f"{c.title} could not be examined: {c.exams.error}" for c in failed]
    views: list[View | None] = [
        ladder_view(m, choices, s.choice("problem.success")),
        *(per_class_view(c.exams) for c in choices if c.name == winner.name),
    ]
    return Ask(
        CHAMPION,
        options=tuple(c.option(m) for c in choices),
        recommended=winner.name,
        reason=" ".join(why),
        facts={"luck": "the corrected test accepts one in about twenty, the plain one about one in four."},
        evidence=tuple(c.exams for c in choices),
        shows=tuple(v for v in views if v is not None),
        judge=judge,
    )


def too_good(s: Session, c: Candidate) -> str:
    """LK13: a score that is seldom honest, in a sentence; empty where there is none (4.2.1).

    The AUC speaks for two classes only: of each of ten against the other nine it is near 1 for any fair model.
    """
    intervals = c.exams.value.get("intervals") or {}
    for name in (*(("roc_auc",) if s.task == "binary" else ()), "accuracy", "r2"):
        mean = (intervals.get(name) or [None])[0]
        if mean is not None and mean >= TOO_GOOD:
            said = f"{BY_NAME[name].title} {figure(mean)} is rarely honest"
            return f"{said}: say in the why what makes the problem so easy, or look for a column that knows the answer."
    return ""


# -- what it is like -----------------------------------------------------------------------------------------------


def _learning_curve(s: Session, champion: Candidate) -> Conversation:
    drawn = s.decision("split.drawn")
    rows = drawn.check.details["dev"] if drawn and drawn.check else 0
    if rows < 200 or champion.spec.tier in ("T0", "T1"):
        return
    delta = s.choice("problem.smallest_gain")
    trial = about_model(s, "learning_curve", champion.model, "learning curve", uses=(champion.exams,), delta=delta)
    (curve,) = yield Measure((trial,), "Learning curve", optional=True)
    if not curve.ok:
        return
    v = curve.value
    points = [(float(n), value) for n, value in zip(v["rows"], v["values"], strict=True) if value is not None]
    training = [(float(n), value) for n, value in zip(v["rows"], v["train_values"], strict=True) if value is not None]
    m = metric(s)
    lines = {"practice exams": points, "training rows": training}
    heading, sentence = _heading(v, m, points)
    view = Curves("Learning curve", "rows", m.title, {**lines, **heading})
    check = Check(
        m.name, v["expected_doubling"], v.get("gain_low"), None, s.choice("problem.smallest_gain"),
        "gain expected of twice the rows", v["advice"],
    )  # fmt: skip
    figures = [
        (n, "measured", value, low, high)
        for n, value, low, high in zip(v["rows"], v["values"], v["lows"], v["highs"], strict=True)
    ]
    figures += [
        (f["rows"], "expected", f["value"], f["low"], f["high"]) for f in (v.get("trend") or {}).get("forecasts", ())
    ]
    table = Table("Figures, 95 % intervals", ("training rows", "", m.title, "low", "high"), figures)
    why = f"{v['sentence']} {sentence}".strip()
    yield Decide(CURVE, v["advice"], why, evidence=(curve,), check=check, shows=(view, table))


def _heading(
    v: Mapping[str, Json], m: Metric, points: list[tuple[float, float]]
) -> tuple[dict[str, list[tuple[float, float]]], str]:
    """Where the curve is heading at twice the rows: lines for the picture, and the sentence."""
    if not v.get("trend") or not points:
        return {}, ""
    twice = v["trend"]["forecasts"][0]
    x, start = float(twice["rows"]), points[-1]
    ends = [(x, float(twice["low"])), start, (x, float(twice["high"]))]
    lines = {"expected": [start, (x, float(twice["value"]))], "95 % interval": ends}
    said = f"{figure(twice['value'])} (95 % interval of the extrapolation {interval(twice['low'], twice['high'])})"
    return lines, f"The curve is heading for {said} at {twice['rows']:,} training rows."


def _errors(s: Session, champion: Candidate) -> Conversation:
    trial = about_model(s, "errors", champion.model, "errors", uses=(champion.exams,))
    (seen,) = yield Measure((trial,), "Looking at the errors", optional=True)
    if not seen.ok:
        return
    weak = [row for row in seen.value["slices"] if row["weak"]]
    worst = max(weak, key=lambda row: row["ratio"] or 0, default=None)
    why = (
        f"{counted(len(weak), 'weak slice')}, the worst “{worst['slice']}” ({counted(worst['rows'], 'row')}) with "
        f"{worst['ratio']:.2f} times the loss of the rest."
        if worst
        else f"No slice is measurably worse than the rest; {counted(len(seen.value['slices']), 'slice')} looked at."
        if seen.value["slices"]
        else "There are too few rows to look at any slice of them."
    )
    yield Ask(
        ERRORS,
        recommended="accept",
        reason=why,
        evidence=(seen,),
        shows=_error_views(seen),
        judge=lambda _: Judgement(
            check=Check("weak slices", len(weak), protocol="out of fold, q = 0.10, ratio ≥ 1.25")
        ),
    )


def _error_views(seen: Evidence) -> tuple[View, ...]:
    v = seen.value
    views: list[View] = []
    if rows := v.get("per_class"):
        cells = [
            (
                r["label"],
                *(_with_interval(r, name) for name in ("precision", "recall")),
                figure(r["f1"] or 0),
                r["support"],
            )
            for r in rows
        ]
        views.append(Table("Per class, 95 % Wilson", ("class", "precision", "recall", "f1", "rows"), cells))
    if slices := v.get("slices"):
        top = sorted(slices, key=lambda r: (not r["weak"], -(r["ratio"] or 0)))[:20]
        cells = [
            (r["slice"], r["rows"], figure(r["loss"]), figure(r["rest"]), "weak" if r["weak"] else "") for r in top
        ]
        views.append(Table("Slices", ("slice", "rows", "loss", "rest", ""), cells))
    if steps := v.get("by_step"):
        cells = [(r["step"], r["rows"], figure(r["loss"]), figure(r["bias"])) for r in steps]
        views.append(Table("By how far it looks ahead", ("step", "rows", v["loss"], "bias"), cells))
    if worst := v.get("worst"):
        cells = [(r["row"] + 1, str(r["label"]), str(r["prediction"]), figure(r["loss"])) for r in worst]
        views.append(Table("Worst rows", ("row", "label", "said", "loss"), cells))
    return tuple(views)


def _with_interval(row: dict[str, Json], name: str) -> str:
    if row.get(name) is None:
        return ""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return figure(row[name]) + (f" ({interval(low, high)})" if low is not None else "")


def _ask_threshold(s: Session, champion: Candidate) -> Ask:
    share = _positive_share(s, champion)
    rarest = min(share, 1 - share)
    cut = best_cut(s.costs) if s.costs else None
    if cut is not None:
        best_, why = round(cut, 4), f"The costs you gave make acting pay from a probability of {figure(cut)} on."
    elif rarest < 0.2:
        best_ = round(share, 4)
        why = f"No costs are known; act on whoever is likelier than the average row ({percent(share)})."
    else:
        best_, why = 0.5, "No costs are known and both classes are common: the likelier class is said."

    def judge(choice: Json) -> Judgement:
        check = Check("cut", choice, reference=cut, protocol="from the costs" if cut else "no costs known")
        if choice == 0.5 and rarest < 0.2 and cut != 0.5:
            rare = "positive" if share == rarest else "negative"
            message = f"With {percent(rarest)} of the rows {rare}, a cut at 0.5 finds few of them."
            return Judgement((Objection(Level.HOLD, message),), check)
        return Judgement(check=check)

    return Ask(THRESHOLD, recommended=best_, reason=why, evidence=(champion.exams,), judge=judge)


def _positive_share(s: Session, champion: Candidate) -> float:
    rows = champion.exams.value.get("per_class") or []
    support = {str(row["label"]): row["support"] for row in rows}
    return support.get(str(s.choice("problem.positive")), 0) / (sum(support.values()) or 1) or 0.5


def _ask_ship(s: Session, m: Metric, champion: Candidate) -> Ask:
    line = s.choice("problem.success")
    v = champion.exams.value
    end = v["low"] if m.higher_is_better else v["high"]
    if line is None:
        best_, why = "improve", "No success line was set."
    elif end is not None and m.oriented(end) >= m.oriented(line):
        best_, why = (
            "ship",
            f"Its whole interval ({interval(v['low'], v['high'])}) reaches your line of {figure(line)}.",
        )
    elif m.oriented(champion.value) >= m.oriented(line):
        best_, why = "pilot", f"Its score reaches your line of {figure(line)}, its interval not yet: on trial."
    else:
        best_, why = "improve", f"{figure(champion.value)} {m.title} does not reach your line of {figure(line)}."

    def judge(choice: Json) -> Judgement:
        check = Check(m.name, champion.value, v["low"], v["high"], line, "practice exams against the success line")
        if choice != "improve" and best_ == "improve":
            return Judgement((Objection(Level.HOLD, why, "M30"),), check)
        if choice == "improve" and best_ == "ship":
            return Judgement((Objection(Level.NOTE, "It may go to work now; improving can go on beside it."),), check)
        return Judgement(check=check)

    return Ask(
        SHIP,
        recommended=best_,
        reason=why,
        facts={"x": f"{figure(champion.value)} {m.title}", "line": "not set" if line is None else figure(line)},
        evidence=(champion.exams,),
        judge=judge,
    )


SIMPLE = Stage("simple", "Simple model", simple, QUESTIONS)
