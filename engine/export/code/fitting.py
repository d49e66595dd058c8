"""The cell of the model: one function that fits it, and one for each part of a model that is made of others.

Each takes the labelled rows, their marks and the name of a fit, and returns a function from rows to answers.
"""

from __future__ import annotations

import re
import textwrap

from engine.export.code.estimators import Written, form_of
from engine.export.code.marks import encodes_apart, folds_wanted, own_rows
from engine.export.code.plan import Cell, Part, Plan, comment
from engine.export.code.preparing import function_of, style_of
from engine.export.code.searching import BORROWED as SEARCH_BORROWED
from engine.export.code.searching import search_code, tried
from engine.models.catalogue import seed_of
from engine.words import literal

_CHOSEN = ", chosen: dict"
_SIGNATURE = "(frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame, fit: str, seed: int) -> Any:\n"

FOLDS = '''def folds(plan: pd.DataFrame, fit: str, what: str = "fold") -> list[Any]:
    """Of a fit, the places among its rows that learn and that are asked about in each of the fits inside it."""
    found, rows = [], plan[plan[fit].isin(["L", "V", "P"])]
    while (name := f"{fit}, {what} {len(found) + 1}") in plan:
        found.append((np.flatnonzero(rows[name] == "L"), np.flatnonzero(rows[name] == "T")))
    return found
'''

OUT_OF_FOLD = '''\
def out_of_fold(parts: list, frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame, fit: str, seed: int) -> tuple:
    """What each part says of rows that it did not learn from, and what was true of them."""
    said, true, i = [[] for _ in parts], [], 1
    while (fold := f"{fit}, fold {i}") in plan:
        asked = (plan[fold] == "T").to_numpy()
        for answers, part in zip(said, parts):
            answers.append(part(frame, y, plan, fold, seed)(frame[asked]))
        true.append(y[asked])
        i += 1
    return [np.concatenate(answers) for answers in said], np.concatenate(true)
'''


def written(plan: Plan) -> dict[str, Written]:
    """Every estimator of the session in code, by its part's name.  Raises NoForm."""
    return {leaf.name: form_of(leaf).write(plan, leaf) for leaf in plan.whole.leaves}


def borrowed_heads(plan: Plan) -> list[str]:
    """What the models that are made of others take over from the program, as "module:name"."""
    found = []
    for part in _made_of_others(plan.whole):
        if part.spec.name == "calibrated":
            names = {"sigmoid": ("sigmoid", "logit"), "isotonic": ("isotonic",)}
            of = names.get(str(part.settings["method"]), ("temperature", "softmax"))
            found += [f"engine.models.calibrators:{name}" for name in of]
        elif part.spec.name == "tuned":
            found += SEARCH_BORROWED
        elif part.spec.name == "stack":
            found.append("engine.models.composed:_inputs")
    return found


def _made_of_others(part: Part) -> list[Part]:
    return [*(one for p in part.parts for one in _made_of_others(p)), *([part] if part.parts else [])]


def model(plan: Plan) -> Cell:
    """The functions, parts before what is made of them."""
    estimators = written(plan)
    leaves = {leaf.name: _leaf(plan, leaf, estimators[leaf.name]) for leaf in plan.whole.leaves}
    search = [search_code(plan)] if any(part.spec.name == "tuned" for part in _made_of_others(plan.whole)) else []
    whole = [_composed(plan, part) for part in _made_of_others(plan.whole)]
    code = "\n\n".join([*leaves.values(), *whole])
    needs = sorted({line for one in estimators.values() for line in one.needs})
    if "compute_sample_weight" in code:
        needs.append("from sklearn.utils.class_weight import compute_sample_weight")
    if "LogisticRegression(C=1 /" in code:
        needs.append("from sklearn.linear_model import LogisticRegression")
    if "Ridge(" in code and any("Ridge(" in one for one in whole):
        needs += ["from sklearn.linear_model import Ridge", "from sklearn.pipeline import make_pipeline",
                  "from sklearn.preprocessing import StandardScaler"]  # fmt: skip
    inner = [text for text, name in ((FOLDS, "folds"), (AT, "at"), (OUT_OF_FOLD, "out_of_fold"))
             if re.search(rf"\b{name}\(", code)]  # fmt: skip
    top = "\n".join(dict.fromkeys(needs))
    return Cell(
        "The model",
        literal(plan.whole.spec.why),
        "\n\n\n".join(part.strip("\n") for part in (top, *inner, *search, code) if part) + "\n",
    )


def _name(part: Part) -> str:
    return f"fit_{part.name}" if part.name else "fitted"


def _leaf(plan: Plan, part: Part, own: Written) -> str:
    form, spec = form_of(part), part.spec
    prepared = spec.prepare != "none"
    weighs = plan.weighs and prepared and form.weighs
    logs, forecast = plan.logs and prepared, plan.recipe["task"] == "forecast" and prepared
    why = (plan.why("simple.champion") or plan.why("baseline.confirm")) if not part.name else spec.why
    signature = _SIGNATURE.replace(", seed: int", f", seed: int{_CHOSEN}") if part.plain else _SIGNATURE
    lines = [f"def {_name(part)}{signature}",
             '    """Preparation and model of one fit, as a function from rows to answers."""\n',
             comment(why, indent="    ")]  # fmt: skip
    if part.settings.get("draw"):
        lines.append(f"    seed += {seed_of(part.settings, 0)}  # a draw of its own: other rows say when to stop\n")
    if spec.early_stop:
        lines.append(
            "    marks = plan[fit].to_numpy()\n"
            '    mine = np.isin(marks, ["L", "V", "P"])\n'
            '    learns, stops = marks[mine] == "L", marks[mine] == "V"  # the latter say when to stop\n'
        )
    else:
        lines.append('    mine = (plan[fit] == "L").to_numpy()\n')
    if folds_wanted(plan, part):
        lines.append("    inner = folds(plan, fit)  # what it chooses, it chooses on these\n")
    lines.append("    rows, y = frame[mine], y[mine]\n")
    if logs:
        lines.append("    y = np.log1p(y)\n    most = y.max() + np.log(10.0)  # ten times the largest\n")
    if prepared:
        more = ', folds(plan, fit, "encoding") or 5' if encodes_apart(plan, part) else ""
        lines.append(f"    prepare = {function_of(plan, style_of(plan, part))}(rows, seed{more})\n"
                     "    X = prepare.fit_transform(rows, y)\n")  # fmt: skip
    else:
        lines.append("    X = rows\n")
    if forecast:
        lines.append("    level, spread, X = X[:, 0], X[:, 1], X[:, 2:]  # each row on a scale of its own\n"
                     "    y = (y - level) / spread\n")  # fmt: skip
    if spec.prepare == "native":
        lines.append(_coded(plan, forecast))
    lines.append(own.before)
    lines.append(_broken(f"model = {own.make}"))
    lines.append(_learning(spec.early_stop, weighs, form.stops, form.stops_weighed))
    lines.append(_answering(plan, prepared, logs, forecast))
    return "".join(lines)


def _coded(plan: Plan, forecast: bool) -> str:
    """Where, among the prepared columns, those stand that hold codes of categories."""
    selected = plan.recipe["task"] != "forecast" and plan.prepare.get("select")
    made_by = "prepare.steps[0][1]" if selected else "prepare"
    found = f'    codes = {made_by}.output_indices_.get("codes", slice(0, 0))  # levels, asked for one by one\n'
    if selected:
        return (found + "    kept = enumerate(prepare.steps[1][1].kept_)\n"
                "    coded = [i for i, place in kept if codes.start <= place < codes.stop]\n")  # fmt: skip
    return found + f"    coded = [place{' - 2' if forecast else ''} for place in range(codes.start, codes.stop)]\n"


def _broken(line: str) -> str:
    """Over several lines, cut where arguments end."""
    if len(line) <= 112:
        return f"    {line}\n"
    cut = textwrap.wrap(line, 110, break_long_words=False, break_on_hyphens=False, initial_indent="    ",
                        subsequent_indent="        ")  # fmt: skip
    return "\n".join(cut) + "\n"


def _learning(stops: bool, weighs: bool, given: str, weighed: str) -> str:
    if stops:
        first = '    weight = compute_sample_weight("balanced", y)\n' if weighs else ""
        more = f", {weighed}" if weighs else ""
        return f"{first}    model.fit(X[learns], y[learns], {given}{more})\n"
    more = ', sample_weight=compute_sample_weight("balanced", y)' if weighs else ""
    return f"    model.fit(X, y{more})\n"


def _answering(plan: Plan, prepared: bool, logs: bool, forecast: bool) -> str:
    take = "prepare.transform(rows)" if prepared else "rows"
    head = "\n    def answer(rows: pd.DataFrame) -> np.ndarray:\n"
    if plan.classifies:
        body = (f"        known = model.predict_proba({take})\n"
                "        shares = np.zeros((len(rows), len(LABELS)))\n"
                "        shares[:, model.classes_.astype(int)] = known\n        return shares\n")  # fmt: skip
    elif forecast:
        body = (f"        X = {take}\n"
                "        return np.asarray(model.predict(X[:, 2:]), dtype=float) * X[:, 1] + X[:, 0]\n")  # fmt: skip
    elif logs:
        body = f"        return np.expm1(np.minimum(model.predict({take}), most))\n"
    else:
        body = f"        return np.asarray(model.predict({take}), dtype=float)\n"
    return f"{head}{body}\n    return answer\n"


# -- models that are made of others ----------------------------------------------------------------------------------


def _composed(plan: Plan, part: Part) -> str:
    makes = {"average": _average, "calibrated": _calibrated, "stack": _stack, "tuned": _tuned}[part.spec.name]
    parts = ", ".join(_within(plan, one) for one in part.parts)
    why = plan.why("improve.accept") or part.spec.why
    return (f"def {_name(part)}{_SIGNATURE}" + comment(why, indent="    ")
            + f"    parts = [{parts}]\n" + makes(plan, part) + "\n    return answer\n")  # fmt: skip


def _within(plan: Plan, part: Part) -> str:
    """The function of a part, asked for the rows that are its own within a fit of the whole."""
    return f"at({_name(part)}, {part.name!r})" if own_rows(plan, part) else _name(part)


AT = '''def at(part: Any, name: str) -> Any:
    """A part that has marks of its own beside those of the whole: the rows that it stops by, its inner folds."""
    return lambda frame, y, plan, fit, *more: part(frame, y, plan, f"{fit}: {name}", *more)
'''

_FITTED = "    fitted_parts = [part(frame, y, plan, fit, seed) for part in parts]\n"
_ANSWER = "\n    def answer(rows: pd.DataFrame) -> np.ndarray:\n"


def _average(plan: Plan, part: Part) -> str:
    return _FITTED + _ANSWER + "        return sum(part(rows) for part in fitted_parts) / len(fitted_parts)\n"


def _calibrated(plan: Plan, part: Part) -> str:
    lines = "    (said,), true = out_of_fold(parts, frame, y, plan, fit, seed)\n"
    one = "        p = fitted_parts[0](rows)\n"
    method = str(part.settings["method"])
    if method == "sigmoid":
        lines += "    a, b = sigmoid(logit(said[:, 1]), (true == 1).astype(float))\n"
        bend = "        high = 0.5 * (1.0 + np.tanh(0.5 * (a + b * logit(p[:, 1]))))\n"
    elif method == "isotonic":
        lines += "    xs, ys = isotonic(said[:, 1], (true == 1).astype(float))\n"
        bend = "        high = np.interp(p[:, 1], xs, ys)\n"
    else:
        lines += "    heat = temperature(said, true)\n"
        return lines + _FITTED + _ANSWER + one + "        return softmax(np.log(np.clip(p, 1e-6, None)) / heat)\n"
    return lines + _FITTED + _ANSWER + one + bend + "        return np.column_stack([1.0 - high, high])\n"


def _stack(plan: Plan, part: Part) -> str:
    alpha = f"{float(part.settings['alpha'])!r}"
    lines = "    said, true = out_of_fold(parts, frame, y, plan, fit, seed)\n"
    if not plan.classifies:
        lines += f"    head = make_pipeline(StandardScaler(), Ridge(alpha={alpha})).fit(_inputs(said), true)\n"
        end = "        return head.predict(_inputs([part(rows) for part in fitted_parts]))\n"
        return lines + _FITTED + _ANSWER + end
    lines += f"    head = LogisticRegression(C=1 / {alpha}, max_iter=2000).fit(_inputs(said), true)\n"
    end = ("        shares = np.zeros((len(rows), len(LABELS)))\n"
           "        shares[:, head.classes_] = head.predict_proba(_inputs([part(rows) for part in fitted_parts]))\n"
           "        return shares\n")  # fmt: skip
    return lines + _FITTED + _ANSWER + end


def _tuned(plan: Plan, part: Part) -> str:
    settings, wider = tried(part)
    told = "".join(f"        {one!r},\n" for one in settings)
    past = "".join(
        f"        {i}: [\n" + "".join(f"            {one!r},\n" for one in more) + "        ],\n"
        for i, more in wider.items()
    )
    return (
        f"    tried = [  # settings, and their rank from simple to complex\n{told}    ]\n"
        f"    wider = {{  # past the end of a range\n{past}    }}\n"
        "    chosen = searched(parts[0], tried, wider, frame, y, plan, fit, seed)\n"
        "    answer = parts[0](frame, y, plan, fit, seed, chosen)\n"
    )
