"""The cells that score the practice exams and the final one, and make the model that leaves."""

from __future__ import annotations

import re

from engine.export.code.plan import Cell, Plan, comment
from engine.export.code.series import form_of_times
from engine.export.model.terms import NoForm
from engine.metrics import quantile_of, title_of
from engine.words import literal

SCORES: dict[str, tuple[str, str]] = {
    "average_precision": ("from sklearn.metrics import average_precision_score",
                          "average_precision_score(y, said[:, 1])"),
    "log_loss": ("", "-np.mean(np.log(np.clip(said[np.arange(len(y)), y] / said.sum(axis=1), EPS, 1 - EPS)))"),
    "brier": ("", "np.mean((said[:, 1] - y) ** 2)"),
    "accuracy": ("", "np.mean(called == y)"),
    "balanced_accuracy": ("from sklearn.metrics import recall_score",
                          "np.mean(recall_score(y, called, labels=np.unique(y), average=None))"),
    "recall_min": ("from sklearn.metrics import recall_score",
                   "np.min(recall_score(y, called, labels=np.unique(y), average=None))"),
    "recall": ("from sklearn.metrics import recall_score", "recall_score(y, called)"),
    "f1": ("from sklearn.metrics import f1_score", "f1_score(y, called)"),
    "f1_macro": ("from sklearn.metrics import f1_score", 'f1_score(y, called, average="macro")'),
    "mae": ("", "np.mean(np.abs(said - y))"),
    "rmse": ("", "np.sqrt(np.mean((said - y) ** 2))"),
    "r2": ("from sklearn.metrics import r2_score", "r2_score(y, said)"),
    "bias": ("", "np.mean(said - y)"),
    "rmsle": ("", "np.sqrt(np.mean((np.log1p(np.maximum(said, 0 if y.min() >= 0 else -1 + 1e-6)) "
              "- np.log1p(y)) ** 2))"),
}  # fmt: skip


_UNIT = 'asked["usual {}"].where(asked["usual {}"] > 0)'
OF_SERIES: dict[str, str] = {
    "mae": "error.abs().groupby(series).mean().mean()",
    "rmse": "np.sqrt((error**2).groupby(series).mean()).mean()",
    "bias": "error.groupby(series).mean().mean()",
    "wape": "error.abs().sum() / np.abs(y).sum()",
    "mase": f"(error.abs() / {_UNIT.format('change', 'change')}).groupby(series).mean().mean()",
    "rmsse": f"np.sqrt(((error / {_UNIT.format('square', 'square')}) ** 2).groupby(series).mean()).mean()",
}


def _score(plan: Plan) -> tuple[str, str]:
    metric = str(plan.recipe["metric"])
    if plan.forecasts and metric in OF_SERIES:
        return "", OF_SERIES[metric]
    if plan.forecasts and metric == "pinball":
        q = float(quantile_of(plan.recipe["costs"]) or 0.5)
        return "", f"error.mul({-q!r}).clip(lower=error * {1 - q!r}).groupby(series).mean().mean()"
    if metric == "roc_auc":
        many = "np.mean([roc_auc_score(y == k, said[:, k]) for k in range(len(LABELS))])"
        return ("from sklearn.metrics import roc_auc_score",
                "roc_auc_score(y, said[:, 1])" if plan.recipe["task"] == "binary" else many)  # fmt: skip
    if metric == "pinball":
        q = quantile_of(plan.recipe["costs"])
        return "", f"np.mean(np.maximum({q!r} * (y - said), {1 - (q or 0)!r} * (said - y)))"
    if metric == "expected_cost":
        from engine.metrics import cost_matrix

        matrix = cost_matrix(plan.recipe["costs"], plan.table.labels, 1)
        return "", f"expected_cost(y, said, np.array({matrix}))"
    if metric == "recall_at_k" and plan.recipe.get("capacity") is not None:
        return "", f"recall_at(y, said[:, 1], {float(plan.recipe['capacity'])!r})"
    if metric not in SCORES:
        raise NoForm(f"{title_of(metric)} is not written as plain code so far; take --to model.")
    return SCORES[metric]


_RECALL = '''def recall_at(y: np.ndarray, said: np.ndarray, share: float) -> float:
    """The share of the positives that is among the rows ranked first; rows tied at the border count in part."""
    _, rank = np.unique(-said, return_inverse=True)
    rows, hits = np.cumsum(np.bincount(rank)), np.cumsum(np.bincount(rank, y))
    return float(np.interp(share * len(y), np.r_[0, rows], np.r_[0, hits]) / hits[-1])
'''

_COST = '''def expected_cost(y: np.ndarray, said: np.ndarray, costs: np.ndarray) -> float:
    """costs: actual by predicted.  Each row gets the action that costs least on average; of equal ones the last."""
    expected = said @ costs
    actions = expected.shape[1] - 1 - np.argmin(np.round(expected[:, ::-1], 12), axis=1)
    return float(np.mean(costs[y, actions]))
'''


def exams(plan: Plan) -> Cell:
    """Raises NoForm for a metric that is not written as plain code."""
    load, score = _score(plan)
    s = plan.d.session
    top = s.rungs[-1] if s.rungs else None
    title = title_of(str(plan.recipe["metric"]))
    known = f"the session said {top.value:.6g}" if top is not None else ""
    beside = ", plan[asked]" if plan.forecasts else ""
    lines = [line for line in (load, "EPS = np.finfo(float).eps" if "EPS" in score else "") if line]
    pieces = ["\n".join(lines)] if lines else []
    pieces += [_COST] if "expected_cost" in score else []
    pieces += [_RECALL] if "recall_at(" in score else []
    pieces.append(f"""\
def examine(rows: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame, only: int | None = None) -> list[float]:
    \"\"\"The score of each practice exam, or of the first so many.\"\"\"
{comment(plan.why("problem.metric"), plan.why("split.kind"), indent="    ")}    scores = []
    exams = [name for name in plan if re.fullmatch(r"exam \\d+", name)][:only]
    for j, exam in enumerate(exams):
        progress(f"Practice exam {{j + 1}} of {{len(exams)}}")
        asked = (plan[exam] == "T").to_numpy()
{_taken(plan, beside)}    return scores
""")
    pieces.append(_score_code(plan, score))
    pieces.append(SPLIT_SERIES if plan.forecasts else SPLIT)
    locked, line = _locked_exam(plan, title)
    pieces += [locked] if locked else []
    pieces.append(f"""if __name__ == "__main__":
    frame, y, plan = split()
    scores = examine(frame, y, plan)
    print(f"{title}: {{np.nanmean(scores):.6g}} over {{len(scores)}} practice exams{"; " + known if known else ""}")
{line}""")
    code = "\n\n".join(piece.strip("\n") + "\n" for piece in pieces)
    return Cell("The practice exams", literal(plan.why("split.plan")) or "Each row is asked about by a model that did "
                "not learn from it.", code)  # fmt: skip


def _taken(plan: Plan, beside: str) -> str:
    """The lines that take one exam: once, or with each of several seeds, where their mean is what counts."""
    one = f"score(y[asked], answer(rows[asked]){beside})"
    if len(plan.seeds) == 1:
        return (f"        answer = fitted(rows, y, plan, exam, seed={f'{plan.seed} + j' if plan.seed else 'j'})\n"
                f"        scores.append({one})\n")  # fmt: skip
    return (f"        found = []\n        for seed in {plan.seeds!r}:  # seeds alone move a score: their mean counts\n"
            '            fit = f"{exam}, seed {seed}" if seed else exam\n'
            "            answer = fitted(rows, y, plan, fit, seed=seed + j)\n"
            f"            found.append({one})\n        scores.append(float(np.mean(found)))\n")  # fmt: skip


SPLIT_SERIES = '''def split() -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """The rows of the forecast, their answers, and which of them learn and are asked about in which fit."""
    plan = pd.read_csv(SPLITS)
    frame, y = rows(history(DATA), plan)
    return frame, y, plan
'''

SPLIT = '''def split() -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """The labelled rows, their answers, and which of them learn and are asked about in which fit."""
    plan = pd.read_csv(SPLITS)
    rows = plan["row"].to_numpy()
    return load(DATA).iloc[rows].reset_index(drop=True), answers(DATA)[rows], plan
'''


def _score_code(plan: Plan, score: str) -> str:
    """What an answer is worth; where classes are called, from a cut on."""
    if plan.forecasts:
        return f"""def score(y: np.ndarray, said: np.ndarray, asked: pd.DataFrame) -> float:
    \"\"\"Every series counts the same.\"\"\"
    error, series = pd.Series(said - y, index=asked.index), asked["series"]
    return float({score})
"""
    if not re.search(r"\bcalled\b", score):
        return f"""def score(y: np.ndarray, said: np.ndarray) -> float:
    return float({score})
"""
    if len(plan.table.labels) > 2:
        return f"""def score(y: np.ndarray, said: np.ndarray) -> float:
    called = said.argmax(axis=1)
    return float({score})
"""
    return f"""def score(y: np.ndarray, said: np.ndarray, cut: float | None = None) -> float:
    called = said.argmax(axis=1) if cut is None else (said[:, 1] >= cut).astype(int)
    return float({score})
"""


def _locked_exam(plan: Plan, title: str) -> tuple[str, str]:
    """The one final exam, as a function and as lines under `__main__`; nothing where none was taken on locked rows."""
    result = plan.d.session.decision("present.result")
    check = result.check if result is not None else None
    if not len(plan.bench.splits.lockbox) or check is None or check.value is None:
        return "", ""
    cut = ""
    if plan.threshold is not None and len(plan.table.labels) == 2 and "called" in _score(plan)[1]:
        cut = f", cut={plan.threshold!r}"
    made = f"""def locked(frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame) -> float:
    \"\"\"The score of the rows that were locked away, of the model fitted to all the others.\"\"\"
{comment(plan.why("present.lockbox"), indent="    ")}    asked = (plan["final exam"] == "T").to_numpy()
    answer = fitted(frame, y, plan, "final exam", seed={plan.seed})
    return score(y[asked], answer(frame[asked]){cut}{", plan[asked]" if plan.forecasts else ""})
"""
    line = f'    print(f"Final exam: {title} {{locked(frame, y, plan):.6g}}; the session said {check.value:.6g}")\n'
    return made, line


def final(plan: Plan) -> Cell:
    """The model that leaves, and its predictions for every row of the file."""
    if plan.classifies:
        if plan.threshold is not None and len(plan.table.labels) == 2:
            choose = f"(said[:, 1] >= {plan.threshold!r}).astype(int)"
        else:
            choose = "said.argmax(axis=1)"
        made = f"""    told = pd.DataFrame({{f"proba_{{label}}": said[:, k] for k, label in enumerate(LABELS)}})
    told["prediction"] = np.array(LABELS, dtype=object)[{choose}]
"""
    else:
        made = '    told = pd.DataFrame({"prediction": said})\n'
    rows = plan.d.final.value.get("fitted_on") or "all"
    if plan.forecasts:
        return _forecasts(plan)
    code = f"""def leaves(frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame) -> Any:
    \"\"\"The model that leaves, fitted once more.\"\"\"
{comment(plan.why("present.refit"), indent="    ")}    return fitted(frame, y, plan, "model", seed={plan.seed})


def predictions(answer: Any, rows: pd.DataFrame) -> pd.DataFrame:
{comment(plan.why("improve.threshold"), indent="    ")}    said = answer(rows)
{made}    return told


if __name__ == "__main__":
    predictions(leaves(frame, y, plan), load(DATA)).to_csv(OUT, index=False)
    print(f"Predictions for every row of {{DATA}}: {{OUT}}")
"""
    return Cell("The model that leaves", "Fitted to " + ("all labelled rows." if rows == "all" else "the rows for "
                "practice."), code)  # fmt: skip


def _forecasts(plan: Plan) -> Cell:
    """The next steps after the last value of each series."""
    form = form_of_times(plan)
    written = f"pd.DatetimeIndex(times).strftime({form!r})" if form else '[f"{time:.0f}" for time in times]'
    code = f"""def leaves(frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame) -> Any:
    \"\"\"The model that leaves, fitted once more.\"\"\"
{comment(plan.why("present.refit"), indent="    ")}    return fitted(frame, y, plan, "model", seed={plan.seed})


def predictions(answer: Any, past: dict[str, Any]) -> pd.DataFrame:
    \"\"\"The next steps of each series.\"\"\"
    asked = next_rows(past)
    frame, _ = rows(past, asked)
    times = times_of((asked["origin"] + asked["step"]).to_numpy())
    told = {{SERIES: np.array(past["names"], dtype=object)[asked["series"]]}} if SERIES else {{}}
    told |= {{TIME: {written}, "step": asked["step"], "prediction": answer(frame)}}
    return pd.DataFrame(told)


if __name__ == "__main__":
    predictions(leaves(frame, y, plan), history(DATA)).to_csv(OUT, index=False)
    print(f"The next {{HORIZON}} steps: {{OUT}}")
"""
    rows = plan.d.final.value.get("fitted_on") or "all"
    told = "Fitted to " + ("everything that is known." if rows == "all" else "the rows for practice.")
    return Cell("The model that leaves", told, code)
