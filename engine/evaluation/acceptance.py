"""What a measured difference means for the ladder: rules R1 to R5, and their sentences.  (Catalogue, 2.5 and 2.12.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.evaluation.paired import Difference, corrected_variance
from engine.metrics import BY_NAME, Metric, figure

Reason = Literal["accepted", "tiny", "luck", "worse", "guard", "identical", "equivalent", "unclear"]


@dataclass(frozen=True)
class Earned:
    """What R1 says of one challenger.  alpha: what its p had to reach after Holm's correction."""

    difference: Difference
    alpha: float
    accepted: bool
    reason: Reason
    guards: tuple[str, ...] = ()  # those that were looked at
    worse_guards: tuple[str, ...] = ()


def holm(ps: Sequence[float | None], alpha: float) -> list[tuple[float, bool]]:
    """(threshold, passed) of each p, in the order given: smallest first against α/m, α/(m−1), …, until one fails.

    A p of None (nothing could be tested) counts among the m and fails.  Source: Holm (1979).
    """
    m = len(ps)
    order = sorted(range(m), key=lambda i: (ps[i] is None, ps[i] or 0.0, i))
    results: list[tuple[float, bool]] = [(alpha, False)] * m
    going = True
    for rank, i in enumerate(order, start=1):
        p, threshold = ps[i], alpha / (m - rank + 1)
        going = going and p is not None and p <= threshold
        results[i] = (threshold, going)
    return results


def earn(
    differences: Sequence[Difference],
    alpha: float,
    delta: float,
    guards: Sequence[Mapping[str, Difference]] = (),
    *,
    tiny: bool = False,
) -> list[Earned]:
    """R1, earn it: one round of challengers against one champion.

    A challenger is accepted when its p passes Holm at `alpha`, its gain is at least `delta`, and no guard is *worse*.
    (That limits such as latency hold is for the caller to add.)  tiny: too few rows for any verdict.

    Measured (tests/engine/evaluation/test_simulation.py; AUC, δ = 0, the plan of table 2.1).  Of equally good
    challengers it accepts 3.5 % at 300 rows, 3.4 % at 1,000, 4.4 % at 3,000, 4.5 % at 10,000; a plain paired t-test 24,
    25, 26 and 13 %, "take the higher mean" half.  Of two added noise columns at most 0.3 % (higher mean: 15 to 17 %).
    Any of four equal challengers: 2.2 % (12 % without Holm).  Exams in time order, persistent series: 2 to 4 % (plain
    t: 5 to 9 %).  A true gain of 0.02 is accepted 30 % of the time at 300 rows and 98 % at 1,000.
    """
    decided = holm([d.p for d in differences], alpha)
    results = []
    for i, (d, (threshold, significant)) in enumerate(zip(differences, decided, strict=True)):
        worse = tuple(name for name, g in guards[i].items() if g.verdict == "worse") if guards else ()
        reason: Reason
        if tiny:
            reason = "identical" if d.verdict == "identical" else "unclear"
        elif d.verdict == "identical":
            reason = "identical"
        elif d.p is None:
            reason = "unclear"
        elif d.verdict == "worse":
            reason = "worse"
        elif significant and d.diff >= delta:
            reason = "guard" if worse else "accepted"
        elif significant:
            reason = "tiny"
        elif d.verdict == "equivalent":
            reason = "equivalent"
        else:
            reason = "luck"
        results.append(Earned(d, threshold, reason == "accepted", reason, tuple(guards[i]) if guards else (), worse))
    return results


def simplest(scores: np.ndarray, rho: float, order: Sequence[int], *, ordered: bool = False) -> int:
    """R4, within one family: index of the simplest candidate whose mean deficit to the best is at most 1 SE.

    scores: (candidates, J), oriented; exams that any of them lacks (NaN) are left out.  order: the candidates from the
    simplest to the most complex.  SE is that of the paired differences, by 2.3; with no exam left the simplest wins.
    """
    u = np.asarray(scores, dtype=float)
    u = u[:, np.isfinite(u).all(axis=0)]
    if u.shape[1] == 0:
        return order[0]
    best = max(order, key=lambda i: u[i].mean())  # the first, that is the simplest, of equals
    for i in order:
        deficit = u[best] - u[i]
        se = np.sqrt(corrected_variance(deficit, rho, ordered)) if len(deficit) > 1 else 0.0
        if deficit.mean() <= se:
            return i
    return best


# --- the sentences ---------------------------------------------------------------------------------------------------


def sentence(
    challenger: str, champion: str, earned: Earned, metric: Metric, delta: float, *, tiny: bool = False
) -> str:
    """R1's answer in one or two sentences, with its figures."""
    d, C, S = earned.difference, challenger, champion
    by = _by(d.diff, metric)
    exams = f"{d.exams} exam{'' if d.exams == 1 else 's'}"
    match earned.reason:
        case "accepted":
            least = f" (at least {figure(d.lower)})" if d.lower is not None and d.lower > 0 else ""
            reached = f"; that is above your smallest gain {figure(delta)}" if delta > 0 else ""
            guarded = f", and it is not worse in {_titles(earned.guards)}" if earned.guards else ""
            return f"{C} is better than {S}: {by}{least}{reached}{guarded}."
        case "tiny":
            return (
                f"{C} is really better, but only: {by}; you said less than {figure(delta)} is not worth it. {S} stays."
            )
        case "luck":
            looks = f"{C} looks better, {by}, but" if d.diff > 0 else f"{C} does not look better ({by}), and"
            needed = f" (p = {_p(d.p)}, needed {_p(earned.alpha)})" if d.diff > 0 else ""
            than = "luck" if d.diff > 0 else "no difference"
            return (
                f"{looks} {exams} cannot tell that from {than}{needed}. {S} stays. Detectable here: a gain of "
                f"{_known(d.detectable)}; no difference found is not the same as no difference."
            )
        case "equivalent":
            return (
                f"{C} and {S} are equivalent: {by}, and the difference lies within your smallest gain {figure(delta)}. "
                f"{S} stays, as the simpler one."
            )
        case "worse":
            return f"{C} is worse: {by}. {S} stays."
        case "guard":
            return f"{C} earns it on score, {by}, but is worse in {_titles(earned.worse_guards)}. {S} stays."
        case "identical":
            return f"{C} and {S} score the same in all {exams}. {S} stays, as the simpler one."
        case "unclear":
            if tiny:
                return (
                    f"{C} against {S}: {by}, on too few rows for any verdict (100 rows and 20 of the rarest class are "
                    f"needed). {S} stays."
                )
            if d.exams < 2:
                return f"{C} and {S} share {exams}; at least 2 are needed to compare them. {S} stays."
            return f"{C} differs from {S} by exactly the same in all {exams} ({by}): look into that. {S} stays."


def _by(diff: float, metric: Metric) -> str:
    """'ROC AUC higher by 0.012'; a loss that is better is lower."""
    if metric.best == "zero":
        return f"{metric.title} {'closer to' if diff > 0 else 'farther from'} 0 by {figure(abs(diff))}"
    higher = (diff >= 0) == metric.higher_is_better
    return f"{metric.title} {'higher' if higher else 'lower'} by {figure(abs(diff))}"


def _p(p: float | None) -> str:
    if p is None:
        return "unknown"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _known(value: float | None) -> str:
    return "unknown" if value is None else figure(value)


def _titles(names: Sequence[str]) -> str:
    return ", ".join(BY_NAME[name].title if name in BY_NAME else name for name in names)
