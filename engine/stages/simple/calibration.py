"""Can the probabilities be taken at face value, and what is done about it where they cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.effects import Ask, Conversation, Measure
from engine.metrics import BY_NAME, figure
from engine.models.catalogue import key_of, parts_of_model
from engine.questions import Judgement, Level, Objection, Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.session import Session
from engine.stages.ladder import Candidate, about_model, asked_by, examine, interval, metric, too_few
from engine.stages.simple.climbing import broken_limit
from engine.stages.simple.error_views import reliability_view
from engine.views import Table, View

FOLDS, FEWER_FOLDS, MANY_ROWS = 5, 3, 10_000
WORDS = {
    "slope": "their spread is wrong (slope {slope}, 95 % interval {band}; 1 is right)",
    "level": "their mean is {mean} where {share} happen",
    "gap": "they are off by {ece} on average",
}

CALIBRATE = Question(
    "improve.calibrate",
    "Can the probabilities be taken at face value?",
    options=(
        Option("none", "Leave them as they are"),
        Option("sigmoid", "Bend them by an S-curve", "two numbers; few rows are enough"),
        Option("isotonic", "Bend them along a rising line", "needs many rows; takes any shape"),
        Option("temperature", "Make all of them less sure, or more", "one number; no row changes class"),
    ),
    source="scikit-learn, probability calibration; Van Calster et al. 2019; Platt 1999; Guo et al. 2017",
    whys=(
        Why("Why does it matter?", "Costs and thresholds are worked out from probabilities: wrong ones cost money."),
        Why("What was found?", "{reason}"),
        Why(
            "On which rows is it learned?",
            "On answers about rows that the model had not seen, inside each training part; never on its own rows.",
            "Decision catalogue, improve.calibrate",
        ),
    ),
)

QUESTIONS = (CALIBRATE,)


def calibration(s: Session, champion: Candidate) -> Conversation:
    """Hold the probabilities against what happened; where they are used and wrong, try the head that fits.

    Returns the model that stands then, and whether its probabilities can be taken at face value (None: not looked at).
    """
    if not s.classifies or not _used(s) or champion.spec.tier in ("T0", "T1"):
        return champion, None
    trial = about_model(s, "calibration", champion.model, "calibration", uses=(champion.exams,))
    (seen,) = yield Measure((trial,), "Holding probabilities against what happened", optional=True)
    if not seen.ok:
        return champion, None
    v = seen.value
    method = "temperature" if champion.spec.network else v["method"]
    compulsory = s.choice("data.imbalance") == "weights" and not s.undone("data.imbalance")
    tried = compared = None
    if (v["needed"] or compulsory) and not too_few(s):
        tried, compared = yield from _try(s, champion, method)
    chosen = yield _ask(s, champion, seen, method, tried, compared, compulsory)
    if chosen.choice == "none" or tried is None:
        return champion, not v["needed"]
    return tried, True


def _used(s: Session) -> bool:
    """Whether anybody uses the probability itself, or what follows from it: costs, a cut."""
    if s.choice("data.imbalance") == "weights" and not s.undone("data.imbalance"):
        return True
    return s.costs is not None or s.choice("problem.use") == "probability" or s.metric in ("log_loss", "expected_cost")


def calibrated(s: Session, champion: Candidate, method: str) -> dict[str, Json]:
    """The model under a head; a search inside is not run again in each fold of the head where rows are many."""
    rows = sum(champion.exams.value["n_test"][:1]) + sum(champion.exams.value["n_train"][:1])
    folds = FEWER_FOLDS if rows >= MANY_ROWS or parts_of_model(champion.model) else FOLDS
    return {"name": "calibrated", "settings": {"of": [dict(champion.model)], "method": method, "folds": folds}}


def _try(s: Session, champion: Candidate, method: str) -> Conversation:
    """The calibrated model with its exams, and the comparison by log loss and Brier score; None where it failed."""
    what = calibrated(s, champion, method)
    exams, speed = yield Measure(
        (examine(s, what), about_model(s, "latency", what, "speed")), "Calibrating inside the exams", optional=True
    )
    found = Candidate(what, exams, speed, asks=asked_by(what, (champion,)))
    if not found.ok:
        return None, None
    (compared,) = yield Measure((_compare(s, champion, found),), optional=True)
    if not compared.ok:
        return None, None
    return replace(found, verdict=compared.value["rows"][0], against=champion.title), compared


def _compare(s: Session, champion: Candidate, found: Candidate) -> Trial:
    """R2 on what probabilities are judged by; the deciding metric is looked at beside them."""
    guards = [g for g in ("brier", s.metric) if g != "log_loss" and s.task in BY_NAME[g].tasks]
    params = {
        "metric": "log_loss",
        "higher": False,
        "alpha": 0.05,
        "delta": 0.0,
        "guards": guards,
        "names": [champion.name, found.name],
        "budget_round": 1,
        "tiny": too_few(s),
        "titles": {c.name: c.title for c in (champion, found)},
    }
    keys = (champion.exams.key, found.exams.key)
    return Trial("compare", params, s.data, uses=keys, label=f"{champion.title} against itself, calibrated")


def harm(found: Candidate) -> list[str]:
    """The metrics in which the calibrated model is measurably worse."""
    row: Mapping[str, Json] = found.verdict or {}
    worse = ["log_loss"] if row.get("verdict") == "worse" else []
    return worse + [g["metric"] for g in row.get("guards", ()) if g["verdict"] == "worse"]


def _ask(
    s: Session,
    champion: Candidate,
    seen: Evidence,
    method: str,
    tried: Candidate | None,
    compared: Evidence | None,
    compulsory: bool,
) -> Ask:
    v, m = seen.value, metric(s)
    limit = broken_limit(s, tried) if tried is not None else ""
    worse = harm(tried) if tried is not None else []
    helps = tried is not None and bool(tried.verdict) and (tried.verdict or {}).get("diff", 0.0) > 0
    take = tried is not None and not limit and not worse and (helps or compulsory)
    why = [_finding(v)]
    if compulsory:
        why.append("The classes were weighed, which bends probabilities on purpose: they must be bent back.")
    if tried is not None and tried.verdict:
        gain = tried.verdict["diff"] or 0.0
        bent = next(o.text for o in CALIBRATE.options if o.key == method)
        change = f"{figure(abs(gain))} {'better' if gain >= 0 else 'worse'} in log loss"
        why.append(f"{bent}: {change}, {m.title} {figure(tried.value)} after {figure(champion.value)}.")
        if not helps and not worse and not compulsory:
            why.append("It does not mend what is wrong with them: the model lacks something that no bending brings.")
        if worse:
            why.append(f"Measurably worse in {' and '.join(BY_NAME[g].title for g in worse)}: it does harm (R2).")
    elif v["needed"]:
        why.append("It could not be calibrated here.")
    if limit:
        why.append(limit)

    def judge(choice: Json) -> Judgement:
        measured = Check(
            "slope", v["slope"], v["slope_low"], v["slope_high"], 1.0, f"{v['rows']:,} answers out of fold"
        )
        if choice == "none":
            if compulsory:
                message = "Weights of classes bend probabilities: leave them bent only with a reason."
                return Judgement((Objection(Level.HOLD, message),), measured)
            if v["needed"] and take:
                return Judgement(
                    (Objection(Level.FLAG, f"Probabilities are not as they are said: {_finding(v)}"),), measured
                )
            return Judgement(check=measured)
        if tried is None:
            return Judgement(check=measured)
        check = tried.check(m, champion.value)
        if limit:
            return Judgement((Objection(Level.BLOCK, limit),), check)
        if worse:
            names = " and ".join(BY_NAME[g].title for g in worse)
            return Judgement((Objection(Level.HOLD, f"Calibrated, it is measurably worse in {names}."),), check)
        return Judgement(check=check)

    best = method if take else "none"
    evidence = [e for e in (seen, tried.exams if tried is not None else None, compared) if e is not None]
    return Ask(
        CALIBRATE,
        options=tuple(o for o in CALIBRATE.options if o.key == "none" or (o.key == method and tried is not None)),
        recommended=best,
        reason=" ".join(why),
        evidence=tuple(evidence),
        shows=_views(v, champion, tried),
        judge=judge,
    )


def _finding(v: Mapping[str, Json]) -> str:
    """What was found, in a sentence: “what is said to happen in 70 % of the rows happens in 64 %”."""
    facts = {
        "slope": figure(v["slope"]),
        "band": interval(v["slope_low"], v["slope_high"]),
        "mean": f"{100 * v['mean']:.1f} %",
        "share": f"{100 * v['share']:.1f} %",
        "ece": f"{100 * v['ece']:.1f} points",
    }
    if not v["needed"]:
        return "They can: {ece} off on average, slope {slope} ({band}), where 1 is right.".format(**facts)
    return "They cannot: " + "; ".join(WORDS[sign].format(**facts) for sign in v["why"]) + "."


def _views(v: Mapping[str, Json], champion: Candidate, tried: Candidate | None) -> tuple[View, ...]:
    views: list[View] = [reliability_view(v["curve"], f"Said and happened, {v['of']}")]
    cells = [(figure(r["said"]), figure(r["share"]), interval(r["low"], r["high"]), r["rows"]) for r in v["curve"]]
    views.append(Table("Said and happened", ("said", "happened", "95 % interval", "rows"), cells))
    rows = [
        ("slope of y on what is said", figure(v["slope"]), interval(v["slope_low"], v["slope_high"]), "1"),
        ("its intercept", figure(v["intercept"]), "", "0"),
        ("mean gap (ECE)", figure(v["ece"]), f"up to {figure(v['ece_by_chance'])} by chance", "0"),
        ("Brier score", figure(v["brier"]), "", "0"),
        ("mean said", figure(v["mean"]), "", figure(v["share"])),
    ]
    views.append(Table("Figures", ("", "measured", "95 %", "honest"), rows))
    if tried is not None and tried.verdict:
        row = tried.verdict
        parts = [("log loss", row), *((BY_NAME[g["metric"]].title, g) for g in row.get("guards", ()))]
        cells = [
            (name, "" if d["diff"] is None else f"{d['diff']:+.4g}", interval(d["lower"], d["upper"]), d["verdict"])
            for name, d in parts
        ]
        views.append(Table(f"{key_of(tried.model)}, gains", ("metric", "gain", "one-sided 95 % bounds", ""), cells))
    return tuple(views)
