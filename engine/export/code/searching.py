"""A model whose settings are searched inside every training part: the settings tried, as data, and the search."""

from __future__ import annotations

from itertools import chain
from typing import Any

from engine.export.code.plan import Part, Plan
from engine.metrics import BY_NAME
from engine.models.knobs import drawn, simplicity, widened
from engine.records import Json

BORROWED = ("engine.evaluation.acceptance:simplest", "engine.models.knobs:halved")

SEARCHED = '''\
def searched(part: Any, tried: list, wider: dict, frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame,
             fit: str, seed: int) -> dict[str, Any]:
    """The settings of a part that do best on the folds inside a fit; of those as good, the simplest.

    tried: settings with their rank from simple to complex; after each fold the worse half drops out.  wider: what is
    tried beside, past the end of a range at which the best of them lies.
    """
    inner, i = [], 1
    while (fold := f"{fit}, fold {i}") in plan:
        inner, i = [*inner, fold], i + 1

    def mark(settings: dict[str, Any], fold: str) -> float:
        asked = (plan[fold] == "T").to_numpy()
        said = part(frame, y, plan, fold, seed, settings)(frame[asked])
        return ORIENTED

    def mean(marks: list[float]) -> float:
        known = [m for m in marks if np.isfinite(m)]
        return float(np.mean(known)) if known else -np.inf

    tried, scores = list(tried), [[] for _ in tried]
    going = list(range(len(tried)))
    for j, fold in enumerate(inner):
        for i in going:
            scores[i].append(mark(tried[i][0], fold))
        if j + 1 < len(inner):
            order = sorted(going, key=lambda i: -mean(scores[i]))
            going = sorted({0, *order[: halved(len(going))]})  # what it is without a search always goes on
    best = max(going, key=lambda i: mean(scores[i]))
    for one in wider.get(best, []):
        going.append(len(tried))
        tried.append(one)
        scores.append([mark(one[0], fold) for fold in inner])
    rho = float(np.mean([(plan[fold] == "T").sum() / plan[fold].isin(["L", "V", "P"]).sum() for fold in inner]))
    order = sorted(going, key=lambda i: tried[i][1])
    grid = np.array([scores[i] for i in going])
    return tried[going[simplest(grid, rho, [going.index(i) for i in order], ordered=IN_TIME)]][0]
'''


def search_code(plan: Plan) -> str:
    """The function, marks turned so that more is better."""
    given = "score(y[asked], said, plan[asked])" if plan.forecasts else "score(y[asked], said)"
    best = BY_NAME[str(plan.recipe["metric"])].best
    oriented = {"high": given, "zero": f"-abs({given})"}.get(best, f"-{given}")
    ordered = str(plan.recipe["split"]["kind"] in ("time", "origins"))
    return SEARCHED.replace("ORIENTED", oriented).replace("IN_TIME", ordered)


def tried(part: Part) -> tuple[list[Any], dict[int, list[Any]]]:
    """The settings tried, each with its rank from simple to complex, and for each those past it, where it is an end."""
    (leaf,) = part.parts
    described: dict[str, Json] = {"name": leaf.spec.name, "settings": dict(leaf.plain)}
    draw = int(part.settings["draw"])
    first = drawn(described, int(part.settings["trials"]), draw)
    past = {i: widened(described, values, len(first), draw) for i, values in enumerate(first)}
    ranks = sorted({simplicity(described, values) for values in [*first, *chain(*past.values())]})

    def ranked(values: Any) -> Any:
        return dict(values), ranks.index(simplicity(described, values))

    return [ranked(v) for v in first], {i: [ranked(v) for v in more] for i, more in past.items() if more}
