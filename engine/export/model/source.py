"""The session as plain Python: reading, preparing, examining and predicting with pandas and scikit-learn alone.

What is written is cut into cells; a script is the cells one below the other, a notebook keeps them apart.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data.cells import ALWAYS_MISSING
from engine.data.computed import columns_to_read
from engine.data.settings import ReadSettings
from engine.data.splitting import inner_split
from engine.data.table import Table
from engine.evaluation.bench import Bench
from engine.export.dossier import Dossier
from engine.export.model.terms import NoForm
from engine.export.told import exam_of, measured, name_of
from engine.metrics import title_of
from engine.models.catalogue import ModelSpec, model_spec
from engine.models.fitting import _inner_share
from engine.models.pipeline import BINS, MANY_LEVELS, MISSING_SHARE, NATIVE_LEVELS, PLAIN
from engine.records import Json
from engine.words import literal

LEARNS, STOPS, ASKED, OUT = "L", "V", "T", "."


@dataclass(frozen=True)
class Cell:
    """A piece of the script: what it is for, and its code."""

    title: str
    words: str
    code: str


@dataclass(frozen=True)
class Plan:
    """What a script is written from.  table: as the session read it.  seed: of the trials."""

    d: Dossier
    recipe: Mapping[str, Json]
    model: Mapping[str, Json]
    threshold: float | None
    table: Table
    bench: Bench
    seed: int
    stem: str
    careful: bool = False  # numbers are cut out of what stands around them

    @property
    def spec(self) -> ModelSpec:
        return model_spec(str(self.model["name"]), self.recipe["task"])

    @property
    def settings(self) -> dict[str, Json]:
        return self.spec.with_defaults(self.model.get("settings"))

    @property
    def classifies(self) -> bool:
        return bool(self.table.labels)

    def why(self, question: str, subject: str = "") -> str:
        decision = self.d.session.decision(question, subject)
        return "" if decision is None else literal(decision.why or decision.reason)


MATERIALS = {"series": "Series", "text": "Texts", "image": "Pictures"}


def writable(recipe: Mapping[str, Json]) -> None:
    """Raises NoForm for rows that plain code does not read so far."""
    material = recipe.get("material")
    if material not in (None, "table"):
        raise NoForm(
            f"{MATERIALS.get(str(material), 'These rows')} do not leave as plain code so far; take --to model."
        )
    if ReadSettings.from_dict(recipe.get("read") or {}).format != "csv":
        raise NoForm(
            "Only delimited text files are read by plain code so far; save the table as CSV, or take --to model."
        )


def cells(plan: Plan) -> list[Cell]:
    """The whole of it.  Raises NoForm for what cannot be written as plain code."""
    estimator = _estimator(plan)
    return [
        _head(plan),
        _reading(plan),
        *_helpers(plan),
        *([_groups(plan)] if plan.spec.name == "one_column" else []),
        *([_preparation(plan)] if plan.spec.prepare != "none" else []),
        _model(plan, estimator),
        _exams(plan),
        _final(plan),
    ]


def splits_of(plan: Plan) -> str:
    """Which rows learn, stop and are asked about in each practice exam, in the final one, and in the model that leaves,
    as CSV."""
    table, splits = plan.table, plan.bench.splits
    folds, everything = splits.folds, np.arange(len(table))
    marks = np.full((len(table), len(folds) + 2), OUT, dtype="<U1")
    last = ((splits.dev, splits.lockbox),) if len(splits.lockbox) else ((everything[:0], everything[:0]),)
    for j, (train, test) in enumerate((*folds, *last, (everything, everything[:0]))):
        marks[train, j] = LEARNS
        marks[test, j] = ASKED
        if len(train):
            _mark_stops(plan, marks, j, train, plan.seed + (j if j < len(folds) else 0))
    lines = ["row,exams,lockbox,final"]
    for i, row in enumerate(table.rows):
        lines.append(f"{row},{''.join(marks[i, :-2])},{marks[i, -2]},{marks[i, -1]}")
    return "\n".join(lines) + "\n"


def _mark_stops(plan: Plan, marks: np.ndarray, column: int, train: np.ndarray, seed: int) -> None:
    if not plan.spec.early_stop:
        return
    share = _inner_share(plan.settings, len(train))
    _, stops = inner_split(plan.table, train, plan.bench.recipe, share, seed)
    marks[stops, column] = STOPS


# -- the cells -------------------------------------------------------------------------------------------------------


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and len(repr(value)) > 80:
        return "{\n" + "".join(f"    {key!r}: {item!r},\n" for key, item in value.items()) + "}"
    if isinstance(value, list) and len(repr(value)) > 100:
        return "[\n" + "".join(f"    {item!r},\n" for item in value) + "]"
    return repr(value)


def _comment(*lines: str, indent: str = "") -> str:
    found: list[str] = []
    for line in lines:
        found += textwrap.wrap(literal(line), 116 - len(indent), break_long_words=False) if line else []
    return "".join(f"{indent}# {line}\n" for line in found)


def _head(plan: Plan) -> Cell:
    s = plan.d.session
    told = [f"{plan.d.name}: predicts {s.target} from {plan.d.source}."]
    if s.rungs:
        told.append(f"{name_of(s.rungs[-1])}, {measured(_check(plan))} on the practice exams.")
    result = s.decision("present.result")
    if result is not None and result.check is not None:
        told.append(f"Final exam: {exam_of(result.check)}.")
    words = " ".join(literal(line) for line in told)
    code = f"""from pathlib import Path
from typing import Any
import warnings

import numpy as np
import pandas as pd

DATA = Path({plan.d.source!r})  # the table, as it was when the session read it
SPLITS = Path({plan.stem + ".splits.csv"!r})  # which rows learned and were asked about in which exam
OUT = Path({plan.stem + ".predictions.csv"!r})

warnings.simplefilter("ignore")  # levels never met have their place in the preparation
"""
    return Cell(plan.d.name, words, code)


def _check(plan: Plan) -> Any:
    from engine.records import Check

    top = plan.d.session.rungs[-1]
    return Check(top.metric, top.value, top.low, top.high)


def _reading(plan: Plan) -> Cell:
    recipe, s = plan.recipe, plan.d.session
    settings = ReadSettings.from_dict(recipe.get("read") or {})
    types = columns_to_read(recipe)
    marks = {c: list(m) for c, m in (recipe.get("marks") or {}).items() if m and (c in types or c == recipe["target"])}
    options = {"sep": settings.separator, "encoding": settings.encoding, "quotechar": settings.quote}
    usual = {"sep": ",", "encoding": "utf-8", "quotechar": '"'}
    said = {key: value for key, value in options.items() if value != usual[key]}
    if settings.compression:
        said["compression"] = settings.compression
    if settings.skip:
        said["skiprows"] = str(int(settings.skip))
    given = "".join(f", {key}={value if key == 'skiprows' else repr(value)}" for key, value in said.items())
    if not settings.header:
        raise NoForm("A file without a header is not read by plain code so far; take --to model.")
    left = [f"{c} is left out as a leak: {plan.why('data.leaks', c)}" for c, x in s.about("data.leaks").items()
            if x == "drop"]  # fmt: skip
    left += [f"{c} is left out, it names rows: {plan.why('data.ids', c)}" for c, x in s.about("data.ids").items()
             if x == "drop"]  # fmt: skip
    of_marks = [f"{c}: {', '.join(m)} means missing. {plan.why('data.missing_marks', c)}" for c, m in marks.items()]
    decimal = '.str.replace(",", ".", regex=False)' if settings.decimal == "," else ""
    cut = _CAREFUL.format(mark=r"\." if settings.decimal == "," else ",") if plan.careful else ""
    code = f"""TARGET = {recipe["target"]!r}
{_comment(*left)}TYPES = {_value(dict(types))}
{_comment(*of_marks)}MARKS: dict[str, list[str]] = {_value(marks)}
MISSING = {_value([*ALWAYS_MISSING, *settings.missing])}  # in any case


def texts(raw: pd.DataFrame, column: str) -> pd.Series:
    cells = raw[column].str.strip().astype(object)
    empty = cells.str.lower().isin(MISSING) | cells.isin(MARKS.get(column, []))
    whole = cells.str.replace(r"^([+-]?\\d+)\\.0+$", r"\\1", regex=True)  # tools write codes as 1.0
    return whole.where(~empty, None)


def numbers(raw: pd.DataFrame, column: str) -> pd.Series:
    cells = texts(raw, column).astype("str").str.strip(){cut}{decimal}
    values = pd.to_numeric(cells, errors="coerce").astype(float)
    marked = pd.to_numeric(pd.Series(MARKS.get(column, []), dtype=object), errors="coerce").dropna()
    return values.where(~values.isin(marked) & np.isfinite(values))

{_dates_code(settings, types)}
def load(path: Path) -> pd.DataFrame:
    \"\"\"The input columns, typed.\"\"\"
    raw = pd.read_csv(path, dtype=str, keep_default_na=False{given})
    raw.columns = raw.columns.str.strip()
    make = {{"number": numbers, "date": {"dates" if "date" in types.values() else "texts"}}}
    frame = pd.DataFrame({{column: make.get(kind, texts)(raw, column) for column, kind in TYPES.items()}})
    for column in frame.columns:
        if TYPES[column] not in make:
            cells = [None if pd.isna(cell) else cell for cell in frame[column]]
            frame[column] = pd.Series(cells, index=frame.index, dtype=object)
{_computed_code(plan)}

{_target_code(plan, given)}"""
    return Cell("The table", "Each column as the kind of value that it holds; what means missing is emptied.", code)


_CAREFUL = """
    cells = cells.str.replace(r"(?i)[$€£¥₹%\\s'’]|USD|EUR|GBP|CHF|DKK|SEK|NOK|kr\\.?", "", regex=True)
    cells = cells.str.replace(r"(?<=\\d){mark}(?=\\d{{3}})", "", regex=True)  # what sets thousands apart
    cells = cells"""


def _dates_code(settings: ReadSettings, types: Mapping[str, str]) -> str:
    if "date" not in types.values():
        return ""
    formats = {c: settings.dates.get(c) or "ISO8601" for c, kind in types.items() if kind == "date"}
    return f"""
DATES = {_value(formats)}


def dates(raw: pd.DataFrame, column: str) -> pd.Series:
    found = pd.to_datetime(texts(raw, column), format=DATES[column], errors="coerce")
    return found.astype("datetime64[us]")

"""


def _computed_code(plan: Plan) -> str:
    """Impossible cells and computed columns: the very SQL that was agreed on, in SQLite."""
    recipe = plan.recipe
    impossible, features = recipe.get("impossible") or {}, list(recipe.get("features") or ())
    wanted = list(recipe["types"])
    if not impossible and not features:
        return (
            f"    return frame[{_value(wanted)}]\n" if wanted != list(columns_to_read(recipe)) else "    return frame\n"
        )
    lines = ["    read = frame.copy()"]
    for column, condition in impossible.items():
        lines += [_comment(plan.why("data.impossible"), indent="    ").rstrip("\n")]
        lines.append(f"    frame[{column!r}] = frame[{column!r}].mask(sql(read, {condition!r}).eq(1))")
    for made in features:
        lines += [_comment(plan.why("data.features", made["name"]), indent="    ").rstrip("\n")]
        number = made["type"] == "number"
        found = f"sql(frame, {made['formula']!r})"
        told = f"pd.to_numeric({found}, errors='coerce').astype(float)" if number else f"{found}.astype(object)"
        lines.append(f"    frame[{made['name']!r}] = {told}")
    lines.append(f"    return frame[{_value(wanted)}]")
    return "\n".join(line for line in lines if line.strip()) + "\n"


_SQL = '''import sqlite3


def sql(frame: pd.DataFrame, expression: str) -> pd.Series:
    """An SQL expression over the columns, row by row, as SQLite works it out."""
    kinds = {column: "REAL" if TYPES[column] == "number" else "TEXT" for column in frame.columns if column in TYPES}
    told = frame[list(kinds)].copy()
    for column in told.columns[told.dtypes.map(lambda kind: kind.kind == "M")]:
        told[column] = told[column].dt.strftime("%Y-%m-%d %H:%M:%S").str.removesuffix(" 00:00:00")
    with sqlite3.connect(":memory:") as con:
        told.to_sql("rows", con, dtype=kinds, index_label="row number")
        query = f'select ({expression}) as value from rows order by "row number"'
        return pd.Series([value for (value,) in con.execute(query)], index=frame.index, dtype=object)
'''


def _target_code(plan: Plan, given: str) -> str:
    recipe, table = plan.recipe, plan.table
    if not plan.classifies:
        return f"""def answers(path: Path) -> np.ndarray:
    \"\"\"The target of every row of the file; NaN where it is unknown.\"\"\"
    raw = pd.read_csv(path, dtype=str, keep_default_na=False{given})
    raw.columns = raw.columns.str.strip()
    return numbers(raw, TARGET).to_numpy()
"""
    merged = (recipe.get("rare") or {}).get("as")
    other = (
        f"    told = told.where(told.isna() | told.isin(LABELS), {merged!r})  # too rare to be told apart\n"
        if merged
        else ""
    )
    return f"""LABELS = {_value(list(table.labels))}


def answers(path: Path) -> np.ndarray:
    \"\"\"The class of every row of the file as its place in LABELS; -1 where it is unknown.\"\"\"
    raw = pd.read_csv(path, dtype=str, keep_default_na=False{given})
    raw.columns = raw.columns.str.strip()
    told = texts(raw, TARGET)
{other}    return told.map({{label: place for place, label in enumerate(LABELS)}}).fillna(-1).to_numpy(dtype=int)
"""


# -- transformers of ours that plain scikit-learn lacks ---------------------------------------------------------------

_PARTS: dict[str, tuple[str, ...]] = {
    "YesNo": ("UNSURE",),
    "Power": ("LOPSIDED", "STEEPEST", "FARTHEST", "_straight_part"),
    "EachColumn": ("_DATES", "_in_words", "_Nothing", "joined"),
    "KeepBest": ("ENOUGH",),
}


def _helpers(plan: Plan) -> list[Cell]:
    """The source of the few transformers that the preparation takes beside scikit-learn's, as the program has them."""
    from engine.models import columns as module

    used = _own_steps(plan)
    found: list[Cell] = []
    if plan.recipe.get("impossible") or plan.recipe.get("features"):
        found.append(Cell("Formulas", "Computed columns are SQL expressions over one row.", _SQL))
    if used:
        code = "from sklearn.base import BaseEstimator, TransformerMixin\n"
        if "Power" in used or "Robust" in used:
            code += "from sklearn.preprocessing import PowerTransformer, RobustScaler\n"
        done: list[str] = []
        for name in used:
            for part in (*_PARTS.get(name, ()), name):
                if part in done:
                    continue
                done.append(part)
                value = getattr(module, part)
                plain = not inspect.isclass(value) and not inspect.isfunction(value)
                source = f"{part} = {_value(value)}\n" if plain else inspect.getsource(value)
                code += f"\n{'' if plain else chr(10)}{source}"
        # annotations that name the class itself are read late in the program, and at once here
        found.append(Cell("Steps that scikit-learn has not", "Each learns in `fit` only.", _late(code)))
    return found


def _groups(plan: Plan) -> Cell:
    """The source of the best single column."""
    from engine.models import onecolumn as module

    kind = module.ColumnClasses if plan.classifies else module.ColumnNumbers
    parts = (module._is_number, module._cut, module._codes, module._numbers, module._OneColumn, kind)
    code = "from itertools import pairwise\nfrom typing import Self\n\n"
    code += "from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin\n\n"
    code += f'EMPTY, REST = "{module.EMPTY}", "{module.REST}"\n\n\n'
    return Cell("The best single column", literal(plan.spec.why), code + "\n\n".join(map(inspect.getsource, parts)))


def _late(code: str) -> str:
    for name in ("MissingFlags", "Zeros", "YesNo", "_Nothing", "EachColumn", "Capped", "Robust", "Power", "KeepBest"):
        code = code.replace(f"-> {name}:", f'-> "{name}":')
    return code


def _own_steps(plan: Plan) -> list[str]:
    recipe, style = plan.recipe, plan.spec.prepare
    if style == "none":
        return []
    prepare, types = _prepare(recipe), list(recipe["types"].values())
    numbers, lines = prepare["numbers"], style not in ("native", "tree")
    found = []
    if "yes_no" in types:
        found.append("YesNo")
    if lines and numbers["indicator"]:
        found.append("MissingFlags")
    if not lines:
        found.append("Zeros")
    if lines and numbers.get("clip") not in (None, "none"):
        found.append("Capped")
    if lines and numbers.get("skew") == "power":
        found.append("Power")
    if lines and numbers["scale"] == "robust":
        found.append("Robust")
    if "date" in types and prepare["dates"]["encode"] != "drop":
        found.append("EachColumn")
    if prepare.get("select"):
        found.append("KeepBest")
    return found


def _prepare(recipe: Mapping[str, Json]) -> dict[str, Any]:
    given = recipe.get("prepare") or {}
    return {**given, **{key: {**PLAIN[key], **given.get(key, {})} for key in PLAIN}}


def _preparation(plan: Plan) -> Cell:
    recipe, style = plan.recipe, plan.spec.prepare
    if style not in ("linear", "dense", "tree", "native"):
        raise NoForm("A network does not leave as plain code so far; take --to model.")
    prepare = _prepare(recipe)
    types: Mapping[str, str] = recipe["types"]
    of = {kind: [c for c, k in types.items() if k == kind] for kind in ("number", "category", "yes_no", "date", "text")}
    if of["text"]:
        raise NoForm("Columns of text do not leave as plain code so far; take --to model.")
    if prepare["categories"]["encode"] == "target" and (plan.table.groups is not None or plan.table.times is not None):
        raise NoForm("Target encoding within groups or in time does not leave as plain code so far; take --to model.")
    if prepare["dates"]["encode"] == "drop":
        of["date"] = []
    levels = {
        c: v for c, v in (prepare["categories"].get("ordered") or {}).items() if c in of["category"] + of["yes_no"]
    }
    ordered = [c for c in of["category"] + of["yes_no"] if c in levels]
    for kind in ("category", "yes_no"):
        of[kind] = [c for c in of[kind] if c not in levels]
    wide = prepare["categories"]["encode"] != "onehot"
    few = f"[c for c in CATEGORIES if train[c].dropna().nunique() <= {MANY_LEVELS}]" if wide else "list(CATEGORIES)"
    body = _for_trees(plan, prepare, style, levels) if style in ("tree", "native") else _for_lines(
        plan, prepare, style, levels
    )  # fmt: skip
    reasons = [
        plan.why(question)
        for question in ("data.missing", "data.scale", "data.outliers", "data.skew", "data.encode", "data.rare",
                         "data.order", "data.bins", "data.dates", "data.text", "data.top")
        if plan.d.session.decision(question) is not None and not plan.d.session.undone(question)
    ]  # fmt: skip
    select = ""
    if prepare.get("select"):
        select = f"""
    keep = KeepBest({int(prepare["select"])}, {recipe["task"]!r}, {style in ("native", "tree")}, seed)
    return Pipeline([("columns", columns), ("select", keep)])"""
    body = _levels_code(plan, few, body) + body
    lists = "\n".join(
        f"{name} = {_value(columns)}"
        for name, columns in (
            ("NUMBERS", of["number"]), ("CATEGORIES", of["category"]), ("YES_NO", of["yes_no"]),
            ("DATES_USED", of["date"]), ("ORDERED", ordered),
        )
        if columns or re.search(rf"\b{name}\b", body)
    )  # fmt: skip
    code = f"""{_imports(body + select)}

{lists}


def preparation(train: pd.DataFrame, seed: int) -> Any:
    \"\"\"How columns become numbers.  Everything in it is learned from the rows of one training part.\"\"\"
{_comment(*reasons, indent="    ")}{body}
    columns = ColumnTransformer([s for s in steps if len(s[2])], sparse_threshold={0.3 if style == "linear" else 0.0})
{select.lstrip(chr(10)) + chr(10) if select else "    return columns" + chr(10)}"""
    return Cell("The preparation", "Fitted afresh in each training part, so that nothing is learned from rows that are "
                "asked about.", code)  # fmt: skip


_FROM = (
    ("sklearn.compose", ("ColumnTransformer",)),
    ("sklearn.impute", ("SimpleImputer",)),
    ("sklearn.model_selection", ("KFold", "StratifiedKFold")),
    ("sklearn.pipeline", ("Pipeline", "make_pipeline")),
    ("sklearn.preprocessing", ("KBinsDiscretizer", "OneHotEncoder", "OrdinalEncoder", "StandardScaler",
                               "TargetEncoder")),
    ("skrub", ("SquashingScaler",)),
)  # fmt: skip


def _imports(body: str) -> str:
    """What of these the code names."""
    found = []
    for module, names in _FROM:
        used = [name for name in names if name == "ColumnTransformer" or re.search(rf"\b{name}\(", body)]
        if used:
            found.append(f"from {module} import {', '.join(used)}")
    return "\n".join(found)


def _levels_code(plan: Plan, few: str, body: str) -> str:
    """The lists of columns that depend on the training part, as far as the steps name them."""
    types = set(plan.recipe["types"].values())
    lines = []
    if "yes_no" in types:
        lines.append("    yes_no = [c for c in YES_NO if train[c].dropna().nunique() <= 2]\n")
        lines.append("    more = [c for c in YES_NO if c not in yes_no]  # a third value\n")
        few = f"more + {few}"
    elif re.search(r"\b(yes_no|more)\b", body):
        lines.append("    yes_no: list[str] = []\n    more: list[str] = []\n")
    if re.search(r"\b(few|many)\b", body):
        lines.append(f"    few = {few}\n")
    if re.search(r"\bmany\b", body):
        lines.append("    many = [c for c in CATEGORIES if c not in few]  # too many levels for a column each\n")
    return "".join(lines)


def _scaler(numbers: Mapping[str, Json]) -> tuple[str, str]:
    """(import, expression)."""
    return {
        "standard": ("", "StandardScaler()"),
        "robust": ("", "Robust()"),
        "squash": ("", "SquashingScaler()"),
        "none": ("", ""),
    }[str(numbers["scale"])]


def _for_lines(plan: Plan, prepare: Mapping[str, Any], style: str, levels: Mapping[str, list[str]]) -> str:
    numbers, categories = prepare["numbers"], prepare["categories"]
    load, scaler = _scaler(numbers)
    fill = f"SimpleImputer(strategy={numbers['impute']!r}, keep_empty_features=True)"
    tail = ", ".join(part for part in (fill, scaler) if part)
    clip = f"Capped({float(numbers['clip'])})" if numbers.get("clip") not in (None, "none") else ""
    power = "Power()" if numbers.get("skew") == "power" else ""
    shaped = ", ".join(part for part in (clip, fill, power, scaler) if part)
    dates = {"parts": "date", "cycles": "cycles", "elapsed": "elapsed"}.get(prepare["dates"]["encode"], "date")
    dense = style == "dense"
    rows = []
    rows.append(f'("numbers", make_pipeline({shaped}), NUMBERS)')
    binned = [c for c in (numbers.get("bins") or ()) if plan.recipe["types"].get(c) == "number"]
    if binned:
        kept = "onehot-dense" if dense else "onehot"
        cut = f'KBinsDiscretizer({BINS}, encode="{kept}", strategy="quantile", random_state=seed)'
        ordered_bins = [c for c in plan.recipe["types"] if c in binned]
        rows.append(f'("bins", make_pipeline({fill}, {cut}), {_value(ordered_bins)})')
    rows.append(f'("dates", make_pipeline(EachColumn("{dates}", seed), {tail}), DATES_USED)')
    if levels:
        rows.append(f'("ordered", make_pipeline(in_order(), {tail}), ORDERED)')
    rows.append('("yes_no", YesNo(), yes_no)')
    known = f'min_frequency={categories["rare"]!r}, handle_unknown="infrequent_if_exist"'
    rows.append(f'("onehot", OneHotEncoder({known}, sparse_output={not dense}), few)')
    if categories["encode"] == "ordinal":
        rows.append(f'("levels", make_pipeline({_codes({})}, {tail}), many)')
    elif categories["encode"] == "target":
        kind = {"regression": "continuous"}.get(plan.recipe["task"], plan.recipe["task"])
        folds = "KFold" if kind == "continuous" else "StratifiedKFold"
        encoder = f"TargetEncoder(target_type={kind!r}, cv={folds}(5, shuffle=True, random_state=seed))"
        rows.append(f'("levels", make_pipeline({", ".join(p for p in (encoder, scaler) if p)}), many)')
    if numbers["indicator"]:
        rows.append('("missing", MissingFlags(), gaps)')
    used = _only_used(plan, rows, levels)
    gaps = ""
    if numbers["indicator"]:
        gaps = f"""    asked = NUMBERS + DATES_USED + yes_no + ORDERED
    gaps = [c for c in asked if train[c].isna().mean() >= {MISSING_SHARE}]  # being empty may tell something itself
"""
    return load + gaps + _in_order(levels) + _steps(used)


def _only_used(plan: Plan, rows: Sequence[str], levels: Mapping[str, Any]) -> list[str]:
    """Without the steps for kinds of columns that there are none of."""
    types = set(plan.recipe["types"].values())
    absent = []
    if "number" not in types:
        absent.append("NUMBERS)")
    if "date" not in types or _prepare(plan.recipe)["dates"]["encode"] == "drop":
        absent.append("DATES_USED)")
    if "yes_no" not in types:
        absent.append("yes_no)")
    if "category" not in types and "yes_no" not in types:
        absent.append("few)")
    return [row for row in rows if row and not any(row.endswith(end) for end in absent)]


def _steps(rows: Sequence[str]) -> str:
    rows = [row if len(row) < 108 else row.replace("make_pipeline(", "make_pipeline(\n            ", 1) for row in rows]
    return "    steps = [\n" + "".join(f"        {row},\n" for row in rows) + "    ]"


def _in_order(levels: Mapping[str, list[str]]) -> str:
    if not levels:
        return ""
    return f"""    def in_order() -> Any:
        levels = {_value(dict(levels))}
        return OrdinalEncoder(
            categories=[np.array(levels[c], dtype=object) for c in ORDERED], handle_unknown="use_encoded_value",
            unknown_value=np.nan, encoded_missing_value=np.nan,
        )

"""


def _codes(options: Mapping[str, Json]) -> str:
    more = "".join(f", {name}={value!r}" for name, value in options.items() if value is not None)
    return (
        f'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan{more})'
    )


def _for_trees(plan: Plan, prepare: Mapping[str, Any], style: str, levels: Mapping[str, list[str]]) -> str:
    categories = prepare["categories"]
    rare = categories["rare"]
    most: dict[str, Json] = {"max_categories": NATIVE_LEVELS}
    if rare and rare > PLAIN["categories"]["rare"]:
        most["min_frequency"] = rare
    rows, lines = [], ""
    if style == "tree":
        rows.append(f'("onehot", OneHotEncoder(min_frequency={rare!r}, handle_unknown="infrequent_if_exist", '
                    "sparse_output=False), few)")  # fmt: skip
        if categories["encode"] != "onehot":
            rows.append(f'("codes", {_codes(most)}, many)')
    else:
        in_rank = "many" if categories["encode"] == "ordinal" else "[]"
        lines += f"    ranks = {in_rank}\n    codes = [c for c in CATEGORIES + more if c not in ranks]\n"
        rows.append(f'("codes", {_codes(most)}, codes)')
        if in_rank == "many":
            rows.append(f'("ranks", {_codes({})}, ranks)')
    lines += "    empty = [c for c in NUMBERS + DATES_USED + ORDERED if train[c].isna().all()]  # nothing to learn\n"
    rows.append('("numbers", "passthrough", [c for c in NUMBERS if c not in empty])')
    if levels:
        rows.append('("ordered", in_order(), ORDERED)')
    rows.append('("yes_no", YesNo(), yes_no)')
    kind = "elapsed" if prepare["dates"]["encode"] == "elapsed" else "date"
    if any(k == "date" for k in plan.recipe["types"].values()) and prepare["dates"]["encode"] != "drop":
        rows.append(f'("dates", EachColumn("{kind}", seed), [c for c in DATES_USED if c not in empty])')
    rows.append('("empty", Zeros(), empty)')
    used = [row for row in rows if not (row.endswith("yes_no)") and "yes_no" not in plan.recipe["types"].values())]
    return lines + _in_order(levels) + _steps(used)


# -- the model -------------------------------------------------------------------------------------------------------


def _estimator(plan: Plan) -> tuple[str, str]:
    """(imports, expression over `y`, `seed` and, for boosting, `codes`).  Raises NoForm.

    Settings come from a store, which may be a stranger's, and the code is run: each is written as a literal (`!r`).
    """
    s, classes = plan.settings, plan.classifies
    name = plan.spec.name
    kind = "Classifier" if classes else "Regressor"
    match name:
        case "logistic":
            C = repr(s["C"]) if s["C"] else "np.inf"
            return ("from sklearn.linear_model import LogisticRegression",
                    f'LogisticRegression(C={C}, solver="lbfgs", max_iter={s["max_iter"]!r})')  # fmt: skip
        case "ridge":
            alphas = f"np.logspace({s['log10_low']!r}, {s['log10_high']!r}, {s['steps']!r})"
            return "from sklearn.linear_model import RidgeCV", f"RidgeCV(alphas={alphas})"
        case "naive_bayes":
            return "from sklearn.naive_bayes import GaussianNB", f"GaussianNB(var_smoothing={s['var_smoothing']!r})"
        case "tree":
            leaf = f"max({s['min_samples_leaf']!r}, round({s['min_leaf_share']!r} * len(y)))"
            return (f"from sklearn.tree import DecisionTree{kind}",
                    f"DecisionTree{kind}(max_depth={s['max_depth']!r}, max_leaf_nodes={s['max_leaf_nodes']!r}, "
                    f"min_samples_leaf={leaf}, random_state=seed)")  # fmt: skip
        case "forest":
            share = s["max_features"]
            share = ("sqrt" if classes else 0.33) if share == "auto" else share
            return (f"from sklearn.ensemble import RandomForest{kind}",
                    f"RandomForest{kind}({s['trees']!r}, max_features={share!r}, "
                    f"min_samples_leaf={s['min_samples_leaf']!r}, random_state=seed)")  # fmt: skip
        case "extra_trees":
            share = s["max_features"]
            share = ("sqrt" if classes else 1.0) if share == "auto" else share
            return (f"from sklearn.ensemble import ExtraTrees{kind}",
                    f"ExtraTrees{kind}({s['trees']!r}, max_features={share!r}, "
                    f"min_samples_leaf={s['min_samples_leaf']!r}, random_state=seed)")  # fmt: skip
        case "knn":
            return (f"from sklearn.neighbors import KNeighbors{kind}",
                    f"KNeighbors{kind}(min({s['k']!r}, len(y)), weights={s['weights']!r})")  # fmt: skip
        case "boosting":
            aim = "" if classes or s["loss"] is None else f"loss={s['loss']!r}, quantile={s['quantile']!r}, "
            return (f"from sklearn.ensemble import HistGradientBoosting{kind}",
                    f"HistGradientBoosting{kind}({aim}learning_rate={s['learning_rate']!r}, "
                    f"max_leaf_nodes={s['max_leaf_nodes']!r}, min_samples_leaf={s['min_samples_leaf']!r}, "
                    f"l2_regularization={s['l2_regularization']!r}, max_iter={s['max_iter']!r}, early_stopping=True, "
                    f"n_iter_no_change={s['n_iter_no_change']!r}, categorical_features=coded or None, "
                    "random_state=seed)")  # fmt: skip
        case "prior" | "most_frequent" | "stratified":
            return ("from sklearn.dummy import DummyClassifier",
                    f"DummyClassifier(strategy={s['strategy']!r}, random_state=seed)")  # fmt: skip
        case "mean" | "median" | "quantile":
            return ("from sklearn.dummy import DummyRegressor",
                    f"DummyRegressor(strategy={s['strategy']!r}, quantile={s.get('quantile')!r})")  # fmt: skip
        case "one_column":
            own = f"{s['groups']!r}, {s['most_levels']!r}, {s['prior_rows']!r}"
            if classes:
                return "", f"ColumnClasses(len(LABELS), {own})"
            return "", f"ColumnNumbers({s['quantile']!r}, {own})"
    raise NoForm(f"{plan.spec.title} does not leave as plain code so far; take --to model.")


def _model(plan: Plan, estimator: tuple[str, str]) -> Cell:
    load, made = estimator
    spec, recipe = plan.spec, plan.recipe
    prepared = spec.prepare != "none"
    weights = (recipe.get("prepare") or {}).get("weights") == "balanced" and plan.classifies and prepared
    weighs = weights and spec.name not in ("knn",)
    logs = (recipe.get("prepare") or {}).get("target") == "log1p" and recipe["task"] == "regression" and prepared
    why = plan.why("simple.champion") or plan.why("baseline.confirm")
    lines = [f"{load}\n"] if load else []
    if weighs:
        lines.append("from sklearn.utils.class_weight import compute_sample_weight\n")
    lines.append('\n\ndef fitted(frame: pd.DataFrame, y: np.ndarray, stops: np.ndarray, seed: int) -> Any:\n'
                 '    """Preparation and model, fitted to these rows; returns a function from rows to answers.\n\n'
                 '    stops: which of them only say when to stop.\n    """\n')  # fmt: skip
    lines.append(_comment(why, indent="    "))
    if logs:
        lines.append(
            "    y = np.log1p(y)\n    most = y.max() + np.log(10.0)  # no further than ten times the largest\n"
        )
    lines.append("    prepare = preparation(frame, seed)\n    X = prepare.fit_transform(frame, y)\n" if prepared
                 else "    X = frame\n")  # fmt: skip
    if spec.name == "boosting":
        at = _prepare(recipe).get("select")
        made_by = "prepare.steps[0][1]" if at else "prepare"
        lines.append(f'    at = {made_by}.output_indices_.get("codes", slice(0, 0))  # levels, asked for one by one\n')
        if at:
            lines.append("    kept = enumerate(prepare.steps[1][1].kept_)\n")
            lines.append("    coded = [i for i, place in kept if at.start <= place < at.stop]\n")
        else:
            lines.append("    coded = list(range(at.start, at.stop))\n")
    call = textwrap.wrap(f"model = {made}", 110, break_long_words=False, break_on_hyphens=False,
                         initial_indent="    ", subsequent_indent="        ")  # fmt: skip
    lines.append("\n".join(call) + "\n")
    if spec.early_stop:
        if weighs:
            lines.append('    weight = compute_sample_weight("balanced", y)\n')
        more = ", sample_weight=weight[~stops], sample_weight_val=weight[stops]" if weighs else ""
        lines.append(f"    model.fit(X[~stops], y[~stops], X_val=X[stops], y_val=y[stops]{more})\n")
    else:
        more = ', sample_weight=compute_sample_weight("balanced", y)' if weighs else ""
        lines.append(f"    model.fit(X, y{more})\n")
    take = "prepare.transform(rows)" if prepared else "rows"
    lines.append("\n    def answer(rows: pd.DataFrame) -> np.ndarray:\n")
    if plan.classifies:
        lines.append(f"        known = model.predict_proba({take})\n"
                     "        shares = np.zeros((len(rows), len(LABELS)))\n"
                     "        shares[:, model.classes_.astype(int)] = known\n        return shares\n")  # fmt: skip
    elif logs:
        lines.append(f"        return np.expm1(np.minimum(model.predict({take}), most))\n")
    else:
        lines.append(f"        return np.asarray(model.predict({take}), dtype=float)\n")
    lines.append("\n    return answer\n")
    return Cell("The model", literal(spec.why), "".join(lines))


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


def _score(plan: Plan) -> tuple[str, str]:
    metric = str(plan.recipe["metric"])
    if metric == "roc_auc":
        many = "np.mean([roc_auc_score(y == k, said[:, k]) for k in range(len(LABELS))])"
        return ("from sklearn.metrics import roc_auc_score",
                "roc_auc_score(y, said[:, 1])" if plan.recipe["task"] == "binary" else many)  # fmt: skip
    if metric == "pinball":
        from engine.metrics import quantile_of

        q = quantile_of(plan.recipe["costs"])
        return "", f"np.mean(np.maximum({q!r} * (y - said), {1 - (q or 0)!r} * (said - y)))"
    if metric == "expected_cost":
        from engine.metrics import cost_matrix

        matrix = cost_matrix(plan.recipe["costs"], plan.table.labels, 1)
        return "", f"expected_cost(y, said, np.array({matrix}))"
    if metric not in SCORES:
        raise NoForm(f"{title_of(metric)} is not written as plain code so far; take --to model.")
    return SCORES[metric]


_COST = '''

def expected_cost(y: np.ndarray, said: np.ndarray, costs: np.ndarray) -> float:
    """costs: actual by predicted.  Each row gets the action that costs least on average; of equal ones the last."""
    expected = said @ costs
    actions = expected.shape[1] - 1 - np.argmin(np.round(expected[:, ::-1], 12), axis=1)
    return float(np.mean(costs[y, actions]))
'''


def _exams(plan: Plan) -> Cell:
    load, score = _score(plan)
    s = plan.d.session
    top = s.rungs[-1] if s.rungs else None
    title = title_of(str(plan.recipe["metric"]))
    known = f"the session said {top.value:.6g}" if top is not None else ""
    seed = f"{plan.seed} + j" if plan.seed else "j"
    code = (f"{load}\n" if load else "") + ("EPS = np.finfo(float).eps\n" if "EPS" in score else "")
    code += (
        (_COST.lstrip("\n") + "\n" if "expected_cost" in score else "")
        + f"""

def examine(frame: pd.DataFrame, y: np.ndarray, exams: np.ndarray, only: int = 0) -> list[float]:
    \"\"\"The score of each practice exam, or of the first so many.  exams: (rows, exams) of L, V, T or a dot.\"\"\"
{_comment(plan.why("problem.metric"), plan.why("split.kind"), indent="    ")}    scores = []
    for j in range(only or exams.shape[1]):
        learns, asked = np.isin(exams[:, j], ("L", "V")), exams[:, j] == "T"
        answer = fitted(frame[learns], y[learns], exams[learns, j] == "V", seed={seed})
        scores.append(score(y[asked], answer(frame[asked])))
    return scores


{_score_code(plan, score)}

def split() -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    \"\"\"The labelled rows, their answers, and which of them learn and are asked about when.\"\"\"
    plan = pd.read_csv(SPLITS, dtype={{"exams": str, "lockbox": str, "final": str}})
    rows = plan["row"].to_numpy()
    return load(DATA).iloc[rows].reset_index(drop=True), answers(DATA)[rows], plan


if __name__ == "__main__":
    frame, y, plan = split()
    scores = examine(frame, y, np.array([list(marks) for marks in plan["exams"]]))
    print(f"{title}: {{np.nanmean(scores):.6g}} over {{len(scores)}} practice exams{"; " + known if known else ""}")
"""
    )
    exam = _locked_exam(plan, title)
    code = code.replace("\n\nif __name__", f"{exam[0]}\n\nif __name__") + exam[1]
    return Cell("The practice exams", literal(plan.why("split.plan")) or "Each row is asked about by a model that did "
                "not learn from it.", code)  # fmt: skip


def _score_code(plan: Plan, score: str) -> str:
    """What an answer is worth; where classes are called, from a cut on."""
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
    made = f"""

def locked(frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame) -> float:
    \"\"\"The score of the rows that were locked away, of the model fitted to all the others.\"\"\"
{_comment(plan.why("present.lockbox"), indent="    ")}    marks = plan["lockbox"].to_numpy()
    learns, asked = np.isin(marks, ("L", "V")), marks == "T"
    answer = fitted(frame[learns], y[learns], marks[learns] == "V", seed={plan.seed})
    return score(y[asked], answer(frame[asked]){cut})
"""
    line = f'    print(f"Final exam: {title} {{locked(frame, y, plan):.6g}}; the session said {check.value:.6g}")\n'
    return made, line


def _final(plan: Plan) -> Cell:
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
    if rows == "all":
        learn = f'    return fitted(frame, y, plan["final"].eq("V").to_numpy(), seed={plan.seed})\n'
    else:
        learn = (
            '    marks = plan["lockbox"].to_numpy()\n    learns = np.isin(marks, ("L", "V"))\n'
            f'    return fitted(frame[learns], y[learns], marks[learns] == "V", seed={plan.seed})\n'
        )
    code = f"""def leaves(frame: pd.DataFrame, y: np.ndarray, plan: pd.DataFrame) -> Any:
    \"\"\"The model that leaves, fitted once more.\"\"\"
{_comment(plan.why("present.refit"), indent="    ")}{learn}

def predictions(answer: Any, rows: pd.DataFrame) -> pd.DataFrame:
{_comment(plan.why("improve.threshold"), indent="    ")}    said = answer(rows)
{made}    return told


if __name__ == "__main__":
    predictions(leaves(frame, y, plan), load(DATA)).to_csv(OUT, index=False)
    print(f"Predictions for every row of {{DATA}}: {{OUT}}")
"""
    return Cell("The model that leaves", "Fitted to " + ("all labelled rows." if rows == "all" else "the rows for "
                "practice."), code)  # fmt: skip
