"""The cell of the preparation: how columns become numbers, as one function for each way that the models ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.data.pixels import as_drawn
from engine.export.code.marks import encodes_apart
from engine.export.code.plan import Cell, Part, Plan, comment, value
from engine.export.code.texts import text_rows
from engine.models.fitting import OF_ONE_PIECE
from engine.models.pipeline import (
    BINS,
    COMPONENTS,
    FOR_NETS,
    MANY_LEVELS,
    MISSING_SHARE,
    NATIVE_LEVELS,
    PLAIN,
    SPARSE,
)
from engine.records import Json

QUESTIONS = ("data.missing", "data.scale", "data.outliers", "data.skew", "data.encode", "data.rare", "data.order",
             "data.bins", "data.dates", "data.text", "data.top")  # fmt: skip
_FROM = (
    ("sklearn.compose", ("ColumnTransformer",)),
    ("sklearn.decomposition", ("PCA",)),
    ("sklearn.feature_extraction.text", ("TfidfVectorizer",)),
    ("sklearn.impute", ("SimpleImputer",)),
    ("sklearn.model_selection", ("KFold", "StratifiedKFold")),
    ("sklearn.pipeline", ("Pipeline", "make_pipeline")),
    ("sklearn.preprocessing", ("KBinsDiscretizer", "OneHotEncoder", "OrdinalEncoder", "StandardScaler",
                               "TargetEncoder")),
    ("skrub", ("SquashingScaler",)),
)  # fmt: skip
OURS = {
    **dict.fromkeys(("YesNo", "MissingFlags", "Zeros", "Capped", "Power", "Robust", "EachColumn", "KeepBest"),
                    "engine.models.columns"),
    "Vocabulary": "engine.models.texts",
    "Pixels": "engine.models.pixels",
    "Tokens": "engine.models.networks.tokens",
    "OnOwnScale": "engine.models.window",
}  # fmt: skip


def styles(plan: Plan) -> list[str]:
    """The ways in which models take their columns, each once."""
    found = list(dict.fromkeys(style_of(plan, leaf) for leaf in plan.whole.leaves))
    return [style for style in found if style != "none"]


def style_of(plan: Plan, leaf: Part) -> str:
    """How a model takes its columns: of a forecast a line takes few, and dense ones."""
    if plan.recipe["task"] == "forecast" and leaf.spec.prepare == "linear":
        return "dense"
    return leaf.spec.prepare


def function_of(plan: Plan, style: str) -> str:
    """What the preparation of this style is called in the code."""
    return "preparation" if len(styles(plan)) == 1 else f"preparation_{style}"


def own_steps(code: str) -> list[str]:
    """The transformers of the program, as "module:name", that code names."""
    return [f"{module}:{name}" for name, module in OURS.items() if re.search(rf"\b{name}\(", code)]


def preparation(plan: Plan) -> Cell:
    """Every function, and the lists of columns they share."""
    bodies = {style: _function(plan, style) for style in styles(plan)}
    everything = "\n".join(bodies.values())
    lists = {name: columns for name, columns in _columns(plan).items() if re.search(rf"\b{name}\b", everything)}
    lines = "\n".join(f"{name} = {value(columns)}" for name, columns in lists.items())
    code = "\n\n\n".join(part for part in (f"{_imports(everything)}\n\n{lines}".rstrip("\n"), *bodies.values()) if part)
    return Cell("The preparation", "Fitted afresh in each training part, so that nothing is learned from rows that are "
                "asked about.", code + "\n")  # fmt: skip


def _of_kinds(plan: Plan) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Columns by their kind, and the levels of those that have an order of their own."""
    types: Mapping[str, str] = plan.recipe["types"]
    of = {kind: [c for c, k in types.items() if k == kind] for kind in ("number", "category", "yes_no", "date", "text")}
    of["pixel"] = as_drawn(of["number"]) if plan.recipe.get("material") == "image" else []
    of["number"] = [] if of["pixel"] else of["number"]
    if plan.prepare["dates"]["encode"] == "drop":
        of["date"] = []
    levels = {c: list(v) for c, v in (plan.prepare["categories"].get("ordered") or {}).items()
              if c in of["category"] + of["yes_no"]}  # fmt: skip
    of["ordered"] = [c for c in of["category"] + of["yes_no"] if c in levels]
    for kind in ("category", "yes_no"):
        of[kind] = [c for c in of[kind] if c not in levels]
    return of, levels


def _columns(plan: Plan) -> dict[str, list[str]]:
    of, _ = _of_kinds(plan)
    names = {"NUMBERS": "number", "CATEGORIES": "category", "YES_NO": "yes_no", "DATES_USED": "date",
             "ORDERED": "ordered", "TEXTS": "text", "PIXELS": "pixel"}  # fmt: skip
    return {name: of[kind] for name, kind in names.items()}


def _function(plan: Plan, style: str) -> str:
    of, levels = _of_kinds(plan)
    rows = _for_trees(plan, style, of, levels) if style in ("tree", "native") else _for_lines(plan, style, of, levels)
    lines, steps = rows
    steps = [*_window(plan), *_pixels(plan, style), *steps]
    gaps = [step for step in steps if step.startswith('("missing"')]
    steps = [step for step in steps if step not in gaps] + text_rows(plan, style, of["text"]) + gaps
    body = lines + _in_order(levels if any("in_order()" in step for step in steps) else {}) + _steps(steps)
    body = _levels_code(of, plan, body) + body
    reasons = [plan.why(question) for question in QUESTIONS
               if plan.d.session.decision(question) is not None and not plan.d.session.undone(question)]  # fmt: skip
    apart = any(encodes_apart(plan, leaf) for leaf in plan.whole.leaves if style_of(plan, leaf) == style)
    select = None if plan.recipe["task"] == "forecast" or style in OF_ONE_PIECE else plan.prepare.get("select")
    sparse = 0.3 if style in SPARSE else 0.0
    filtered = "[s for s in steps if len(s[2])]" if re.search(r", [a-z]\w*\),\n", body) else "steps"
    end = f"ColumnTransformer({filtered}, sparse_threshold={sparse})"
    if select:
        keep = f"KeepBest({int(select)}, {plan.recipe['task']!r}, {style in ('native', 'tree')}, seed)"
        end = f'Pipeline([\n        ("columns", {end}),\n        ("select", {keep}),\n    ])'
    given = ", encoding: Any" if apart else ""
    return f"""def {function_of(plan, style)}(train: pd.DataFrame, seed: int{given}) -> Any:
    \"\"\"How columns become numbers.  Everything in it is learned from the rows of one training part.\"\"\"
{comment(*reasons, indent="    ")}{body}
    return {end}"""


def _imports(body: str) -> str:
    """What of scikit-learn's and skrub's the code names."""
    used = [(module, [name for name in names if re.search(rf"\b{name}\(", body)]) for module, names in _FROM]
    return "\n".join(f"from {module} import {', '.join(names)}" for module, names in used if names)


def _levels_code(of: Mapping[str, list[str]], plan: Plan, body: str) -> str:
    """The lists of columns that depend on the training part, as far as the steps name them."""
    lines = []
    wide = plan.prepare["categories"]["encode"] != "onehot"
    few = f"[c for c in CATEGORIES if train[c].dropna().nunique() <= {MANY_LEVELS}]" if wide else "list(CATEGORIES)"
    if of["yes_no"]:
        lines.append("    yes_no = [c for c in YES_NO if train[c].dropna().nunique() <= 2]\n")
        lines.append("    more = [c for c in YES_NO if c not in yes_no]  # a third value\n")
        few = f"more + {few}"
    if re.search(r"\b(few|many)\b", body):
        lines.append(f"    few = {few}\n")
    if re.search(r"\bmany\b", body):
        lines.append("    many = [c for c in CATEGORIES if c not in few]  # too many levels for a column each\n")
    return "".join(lines)


def _pixels(plan: Plan, style: str) -> list[str]:
    if plan.recipe.get("material") != "image":
        return []
    side = ((plan.recipe.get("prepare") or {}).get("images") or {}).get("side")
    most = COMPONENTS if style == "dense" else 0
    if side:
        return [f'("pixels", Pixels({side!r}, {most}, seed), PIXELS)']
    if not most:
        return ['("pixels", Brightness(), PIXELS)']
    shapes = f'PCA(min({most}, len(train) - 1, len(PIXELS)), svd_solver="full", random_state=seed)'
    return [f'("pixels", make_pipeline(Brightness(), {shapes}), PIXELS)']


BRIGHTNESS = '''from sklearn.base import BaseEstimator, TransformerMixin


class Brightness(TransformerMixin, BaseEstimator):
    """Pixels in parts of the brightest one of the training part; an empty cell is dark."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Brightness:
        self.brightest_ = float(np.nan_to_num(X.to_numpy(dtype=float)).max(initial=0.0)) or 1.0
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        return np.nan_to_num(X.to_numpy(dtype=float)) / self.brightest_
'''


def _window(plan: Plan) -> list[str]:
    if plan.recipe["task"] != "forecast":
        return []
    return ['("window", OnOwnScale(list(WINDOW_KINDS.values()), HORIZON), list(WINDOW_KINDS))']


SCALERS = {"standard": "StandardScaler()", "robust": "Robust()", "squash": "SquashingScaler()", "none": ""}


def _for_lines(
    plan: Plan, style: str, of: Mapping[str, list[str]], levels: Mapping[str, list[str]]
) -> tuple[str, list[str]]:
    """(lines before the steps, the steps): filled, scaled, levels a column each."""
    numbers, categories = plan.prepare["numbers"], plan.prepare["categories"]
    scale = str(numbers["scale"])
    if style in FOR_NETS and scale in ("standard", "robust"):
        scale = "squash"  # robust in the middle, bent at the ends
    scaler = SCALERS[scale]
    fill = f"SimpleImputer(strategy={numbers['impute']!r}, keep_empty_features=True)"
    tail = ", ".join(part for part in (fill, scaler) if part)
    clip = f"Capped({float(numbers['clip'])})" if numbers.get("clip") not in (None, "none") else ""
    power = "Power()" if numbers.get("skew") == "power" else ""
    shaped = ", ".join(part for part in (clip, fill, power, scaler) if part)
    dates = {"parts": "date", "cycles": "cycles", "elapsed": "elapsed"}.get(plan.prepare["dates"]["encode"], "date")
    dense = style not in SPARSE
    rows = []
    if of["number"]:
        rows.append(f'("numbers", make_pipeline({shaped}), NUMBERS)')
    if binned := [c for c in of["number"] if c in (numbers.get("bins") or ())]:
        kept = "onehot-dense" if dense else "onehot"
        cut = f'KBinsDiscretizer({BINS}, encode="{kept}", strategy="quantile", random_state=seed)'
        rows.append(f'("bins", make_pipeline({fill}, {cut}), {value(binned)})')
    if of["date"]:
        rows.append(f'("dates", make_pipeline(EachColumn("{dates}", seed), {tail}), DATES_USED)')
    if levels:
        rows.append(f'("ordered", make_pipeline(in_order(), {tail}), ORDERED)')
    if of["yes_no"]:
        rows.append('("yes_no", YesNo(), yes_no)')
    known = f'min_frequency={categories["rare"]!r}, handle_unknown="infrequent_if_exist"'
    embeds = style == "embed"  # a network learns a place for each level
    if embeds and (of["category"] or of["yes_no"]):
        rows.append(f'("codes", {_places(categories["rare"])}, few{" + many" * bool(of["category"])})')
    elif of["category"] or of["yes_no"]:
        rows.append(f'("onehot", OneHotEncoder({known}, sparse_output={not dense}), few)')
    if of["category"] and categories["encode"] == "ordinal" and not embeds:
        rows.append(f'("levels", make_pipeline({_codes({})}, {tail}), many)')
    elif of["category"] and categories["encode"] == "target" and not embeds:
        encoder = _target_encoder(plan)
        rows.append(f'("levels", make_pipeline({", ".join(p for p in (encoder, scaler) if p)}), many)')
    gaps = [name for name, kind in (("NUMBERS", "number"), ("DATES_USED", "date"), ("yes_no", "yes_no"),
                                    ("ORDERED", "ordered")) if of[kind]]  # fmt: skip
    lines = ""
    if numbers["indicator"] and gaps:
        rows.append('("missing", MissingFlags(), gaps)')
        lines = (f"    gaps = [c for c in {' + '.join(gaps)} if train[c].isna().mean() >= {MISSING_SHARE}]"
                 "  # being empty may tell\n")  # fmt: skip
    return lines, rows


def _target_encoder(plan: Plan) -> str:
    kind = {"regression": "continuous", "forecast": "continuous"}.get(plan.recipe["task"], plan.recipe["task"])
    folds = f"{'KFold' if kind == 'continuous' else 'StratifiedKFold'}(5, shuffle=True, random_state=seed)"
    if any(encodes_apart(plan, leaf) for leaf in plan.whole.leaves):
        folds = "encoding"
    return f"TargetEncoder(target_type={kind!r}, cv={folds})"


def _steps(rows: Sequence[str]) -> str:
    rows = [row if len(row) < 108 else re.sub(r'^(\("[^"]+", \w+\()', r"\1\n            ", row) for row in rows]
    return "    steps = [\n" + "".join(f"        {row},\n" for row in rows) + "    ]"


def _in_order(levels: Mapping[str, list[str]]) -> str:
    if not levels:
        return ""
    return f"""
    def in_order() -> Any:
        levels = {value(dict(levels))}
        return OrdinalEncoder(
            categories=[np.array(levels[c], dtype=object) for c in ORDERED], handle_unknown="use_encoded_value",
            unknown_value=np.nan, encoded_missing_value=np.nan,
        )

"""


def _codes(options: Mapping[str, Json]) -> str:
    more = "".join(f", {name}={given!r}" for name, given in options.items() if given is not None)
    return (
        f'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan{more})'
    )


def _places(rare: Json) -> str:
    return ('OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1, '
            f"min_frequency={rare!r})")  # fmt: skip


def _for_trees(
    plan: Plan, style: str, of: Mapping[str, list[str]], levels: Mapping[str, list[str]]
) -> tuple[str, list[str]]:
    """(lines before the steps, the steps): nothing filled and nothing scaled."""
    categories = plan.prepare["categories"]
    rare = categories["rare"]
    most: dict[str, Json] = {"max_categories": NATIVE_LEVELS}
    if rare and rare > PLAIN["categories"]["rare"]:
        most["min_frequency"] = rare
    rows, lines = [], ""
    if style == "tree" and (of["category"] or of["yes_no"]):
        rows.append(f'("onehot", OneHotEncoder(min_frequency={rare!r}, handle_unknown="infrequent_if_exist", '
                    "sparse_output=False), few)")  # fmt: skip
        if of["category"] and categories["encode"] != "onehot":
            rows.append(f'("codes", {_codes(most)}, many)')
    elif style == "native" and (of["category"] or of["yes_no"]):
        asked = " + ".join(name for name, kind in (("CATEGORIES", "category"), ("more", "yes_no")) if of[kind])
        if of["category"] and categories["encode"] == "ordinal":
            lines += f"    codes = [c for c in {asked} if c not in many]\n"
            rows += [f'("codes", {_codes(most)}, codes)', f'("ranks", {_codes({})}, many)']
        else:
            rows.append(f'("codes", {_codes(most)}, {asked})')
    gaps = [name for name, kind in (("NUMBERS", "number"), ("DATES_USED", "date"), ("ORDERED", "ordered")) if of[kind]]
    if gaps:
        lines += f"    empty = [c for c in {' + '.join(gaps)} if train[c].isna().all()]  # nothing to learn\n"
    if of["number"]:
        rows.append('("numbers", "passthrough", [c for c in NUMBERS if c not in empty])')
    if levels:
        rows.append('("ordered", in_order(), ORDERED)')
    if of["yes_no"]:
        rows.append('("yes_no", YesNo(), yes_no)')
    kind = "elapsed" if plan.prepare["dates"]["encode"] == "elapsed" else "date"
    if of["date"]:
        rows.append(f'("dates", EachColumn("{kind}", seed), [c for c in DATES_USED if c not in empty])')
    if gaps:
        rows.append('("empty", Zeros(), empty)')
    return lines, rows
