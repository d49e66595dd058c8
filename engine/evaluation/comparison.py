"""The trial *compare*: one round of challengers against the champion, on the exams that both have taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.errors import DataProblem, UsageProblem
from engine.evaluation import flagged
from engine.evaluation.acceptance import Earned, earn, sentence
from engine.evaluation.paired import Difference, overlap, paired_difference
from engine.metrics import BY_NAME, Metric
from engine.models.catalogue import BY_NAME as MODELS
from engine.plans import alpha_of_round
from engine.records import Json
from engine.trials import Context

MANY_SERIES = 10  # from which on the spread over series is a standard error of its own


@dataclass(frozen=True)
class Exams:
    """What a cross-validation measured.  scores: per metric (J,) in its own unit, NaN where an exam has none.

    failed: exams on which the model failed; it is scored as the baseline there, so that failing never pays.
    by_series: per metric, of ten series or more, (k,) the mean over the exams of each; empty otherwise.
    """

    scores: Mapping[str, np.ndarray]
    n_train: np.ndarray
    n_test: np.ndarray
    ordered: bool
    plan: str
    failed: int
    answers: str  # digest of the out-of-fold answers
    by_series: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def read(cls, evidence: Mapping[str, Json]) -> Exams:
        """From the evidence of cross_validate."""
        scores = {
            name: np.array([np.nan if u is None else u for u in values], dtype=float)
            for name, values in evidence["scores"].items()
        }
        return cls(
            scores,
            np.asarray(evidence["n_train"], float),
            np.asarray(evidence["n_test"], float),
            bool(evidence.get("ordered", False)),
            str(evidence.get("plan_hash") or ""),
            len(evidence.get("failures") or ()),
            str(evidence.get("oof") or ""),
            {
                name: np.array([np.nan if u is None else u for u in values], dtype=float)
                for name, values in (evidence.get("by_series") or {}).items()
            },
        )


def compare(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """R1 for every challenger, and its guards, from evidence of cross_validate.

    ctx.uses: the champion's key, then the challengers'.  params: metric, higher (whether more is better, for a metric
    that engine.metrics does not know), alpha (what the first round may spend, .05 unless stricter), budget_round,
    delta, guards, names (of the models, the champion's first), tiny (too few rows for a verdict), recipe (optional:
    with it a champion of few distinct scores is also guarded by recall at the share that it flags, see `flagged`).
    Exams that either has no score for are left out in pairs; where a model failed, the baseline's score counts.
    A challenger that took only the first exams of the plan is compared on those.  Raises UsageProblem when names and
    evidence do not pair, DataProblem when two models took different exams.
    """
    names, keys = list(params["names"]), list(ctx.uses)
    if len(names) != len(keys) or len(names) < 2:
        raise UsageProblem(
            f"compare: {len(names)} names for {len(keys)} results; a champion and its challengers are needed."
        )
    metric = metric_named(params["metric"], bool(params.get("higher", True)))
    exams = [Exams.read(ctx.evidence(key)) for key in keys]
    _same_plan(names, exams)
    tiny, delta = bool(params.get("tiny", False)), float(params["delta"])
    alpha = alpha_of_round(int(params.get("budget_round", 1)), first=float(params.get("alpha", 0.05)))
    differences = [difference(metric, exams[0], other, delta) for other in exams[1:]]
    guards = [
        {
            name: difference(BY_NAME[name], exams[0], other)
            for name in params.get("guards") or ()
            if name in BY_NAME and name != metric.name and name in exams[0].scores and name in other.scores
        }
        for other in exams[1:]
    ]
    for guard, extra in zip(guards, _flagged(params, ctx, metric, exams), strict=False):
        if extra.exams:  # a champion that flags nobody, or everybody, leaves nothing to look at
            guard[flagged.NAME] = extra
    earned = earn(differences, alpha, delta, guards, tiny=tiny)
    titles = params.get("titles") or {}
    champion = titles.get(names[0]) or title_of(names[0])
    return {
        "metric": metric.name,
        "delta": delta,
        "alpha": alpha,
        "rows": [
            _row(name, titles.get(name) or title_of(name), champion, e, g, metric, delta, tiny, other)
            for name, e, g, other in zip(names[1:], earned, guards, exams[1:], strict=True)
        ],
    }


def metric_named(name: str, higher: bool = True) -> Metric:
    """The declared metric, or one of the user's own of that direction."""
    known = BY_NAME.get(name)
    return known or Metric(name, name, frozenset(), "high" if higher else "low", -np.inf, np.inf, "unknown")


def difference(metric: Metric, champion: Exams, challenger: Exams, delta: float = 0.0) -> Difference:
    """The paired difference on the exams that both have, oriented."""
    J = min(len(champion.n_train), len(challenger.n_train))
    a, b = (
        np.asarray(metric.oriented(e.scores.get(metric.name, np.full(J, np.nan))[:J]), dtype=float)
        for e in (challenger, champion)
    )
    used = np.isfinite(a) & np.isfinite(b)
    rho = overlap(champion.n_train[:J][used], champion.n_test[:J][used]) if used.any() else 0.0
    least = _se_over_series(metric, champion, challenger)
    return paired_difference(a, b, rho, ordered=champion.ordered, delta=delta, least_se=least)


def _se_over_series(metric: Metric, champion: Exams, challenger: Exams) -> float:
    """The standard error over many series: their exams all fall on the same few times, but what holds for these series
    need not hold for others (2.3).  0 where there are fewer than ten."""
    a, b = (e.by_series.get(metric.name, np.empty(0)) for e in (challenger, champion))
    if len(a) != len(b):
        return 0.0
    d = np.asarray(metric.oriented(a), dtype=float) - np.asarray(metric.oriented(b), dtype=float)
    d = d[np.isfinite(d)]
    return float(d.std(ddof=1) / np.sqrt(len(d))) if len(d) >= MANY_SERIES else 0.0


def _same_plan(names: Sequence[str], exams: Sequence[Exams]) -> None:
    first = exams[0]
    for name, other in zip(names[1:], exams[1:], strict=True):
        J = min(len(first.n_test), len(other.n_test))
        another_plan = first.plan and other.plan and first.plan != other.plan
        if another_plan or not np.array_equal(first.n_test[:J], other.n_test[:J]):
            raise DataProblem(
                f"{names[0]} and {name} took different exams, so they cannot be compared; cross-validate both again."
            )


def _row(
    name: str,
    title: str,
    champion: str,
    earned: Earned,
    guards: Mapping[str, Difference],
    metric: Metric,
    delta: float,
    tiny: bool,
    exams: Exams,
) -> dict[str, Json]:
    d = earned.difference
    return {
        "name": name,
        "diff": d.diff if d.exams else None,
        "se": d.se,
        "lower": d.lower,
        "upper": d.upper,
        "p": d.p,
        "alpha": earned.alpha,
        "verdict": _shown(d.verdict, tiny),
        "accepted": earned.accepted,
        "reason": earned.reason,
        "detectable": d.detectable,
        "exams": d.exams,
        "dropped": len(exams.n_train) - d.exams,
        "failed": exams.failed,
        "guards": [
            {"metric": g, "verdict": _shown(v.verdict, tiny), "diff": v.diff, "lower": v.lower, "upper": v.upper}
            for g, v in guards.items()
        ],
        "sentence": sentence(title, champion, earned, metric, delta, tiny=tiny) + _failed(title, exams.failed),
    }


def title_of(name: str) -> str:
    """How a model is called in a sentence; a name that is not in the catalogue stands for itself."""
    return MODELS[name].title if name in MODELS else name


def _failed(name: str, times: int) -> str:
    if not times:
        return ""
    return f" ({name} failed in {times} exam{'' if times == 1 else 's'} and was scored as the baseline there.)"


def _flagged(params: Mapping[str, Json], ctx: Context, metric: Metric, exams: Sequence[Exams]) -> list[Difference]:
    """Per challenger the difference in recall at the champion's flagged share; empty when that is not called for."""
    recipe = params.get("recipe")
    if not recipe or recipe.get("task") != "binary" or metric.name not in flagged.RANKING:
        return []
    if not all(e.answers for e in exams):
        return []
    from engine.evaluation.bench import open_bench  # reads the table, which most comparisons need not
    from engine.evaluation.crossval import read_out_of_fold

    answers = [read_out_of_fold(ctx.fetch(e.answers)) for e in exams]
    champion = answers[0]
    if not flagged.has_few_scores(flagged.positive_scores(champion), champion["fold"]):
        return []
    positive = open_bench(params, ctx).table.y == 1
    differences = []
    for other, challenger in zip(exams[1:], answers[1:], strict=True):
        J = min(len(exams[0].n_train), len(other.n_train))
        a, b = flagged.recalls(positive, champion, challenger, J)
        rho = overlap(exams[0].n_train[:J], exams[0].n_test[:J])
        differences.append(paired_difference(b, a, rho, ordered=exams[0].ordered))
    return differences


def _shown(verdict: str, tiny: bool) -> str:
    """With too few rows no verdict above *unclear* is given."""
    return "unclear" if tiny and verdict != "identical" else verdict
