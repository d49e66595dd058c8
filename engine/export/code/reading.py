"""The cell that reads the table: every column as the kind of value that it holds, as the session read it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.data.cells import ALWAYS_MISSING
from engine.data.computed import columns_to_read
from engine.data.settings import ReadSettings
from engine.export.code.plan import Cell, Plan, comment, value
from engine.export.code.sources import settings_of, source


def reading(plan: Plan) -> Cell:
    """Raises NoForm for a file that plain pandas does not read as the session did."""
    recipe, s, settings = plan.file_recipe, plan.d.session, settings_of(plan)
    opened = source(plan)
    types = columns_to_read(recipe)
    said_of = recipe.get("series") or {}
    named = (recipe["target"], said_of.get("time"), said_of.get("id"), *recipe.get("inputs", ()))
    marks = {c: list(m) for c, m in (recipe.get("marks") or {}).items() if m and (c in types or c in named)}
    left = [f"{c} is left out as a leak: {plan.why('data.leaks', c)}" for c, x in s.about("data.leaks").items()
            if x == "drop"]  # fmt: skip
    left += [f"{c} is left out, it names rows: {plan.why('data.ids', c)}" for c, x in s.about("data.ids").items()
             if x == "drop"]  # fmt: skip
    of_marks = [
        f"{c}: {', '.join(m)} means missing. {plan.why('data.missing_marks', str(c))}" for c, m in marks.items()
    ]
    asked = not opened.of_numbers and ("number" in types.values() or plan.forecasts or not plan.classifies)
    every = (
        f"EVERYWHERE = {value(list(settings.missing))}  # means missing in every column\n" if settings.missing else ""
    )
    imports = "".join(f"{line}\n" for line in opened.imports)
    head = f"""TARGET = {recipe["target"]!r}
{comment(*left)}TYPES = {_types(types)}
{comment(*of_marks)}MARKS: dict[str, list[str]] = {value(marks)}
MISSING = {value(list(ALWAYS_MISSING))}  # in any case
{every}"""
    pieces = [imports, head, opened.code, _texts_code(settings, told=opened.told)]
    pieces += [_numbers_code(plan, settings)] if asked else []
    pieces += [_dates_code(settings, types)] if "date" in types.values() else []
    pieces += [_load_code(plan, types, of_numbers=opened.of_numbers), _target_code(plan)]
    code = "\n\n".join(f"{piece.strip(chr(10))}\n" for piece in pieces if piece)
    return Cell("The table", "Each column as the kind of value that it holds; what means missing is emptied.", code)


def _marked(settings: ReadSettings) -> str:
    return "[*EVERYWHERE, *MARKS.get(column, [])]" if settings.missing else "MARKS.get(column, [])"


def _texts_code(settings: ReadSettings, *, told: bool) -> str:
    written = 'raw[column].map(cell).astype("str")' if told else "raw[column]"
    if settings.blanks:
        cells, bare = f"{written}.str.strip().astype(object)", "cells"
    else:
        cells, bare = f"{written}.astype(object)  # with their blanks", "cells.str.strip()"
    return f"""def texts(raw: pd.DataFrame, column: str) -> pd.Series:
    cells = {cells}
    empty = {bare}.str.lower().isin(MISSING) | cells.isin({_marked(settings)})
    whole = cells.str.replace(r"^([+-]?\\d+)\\.0+$", r"\\1", regex=True)  # tools write codes as 1.0
    return pd.Series(np.where(empty, None, whole), index=raw.index, dtype=object)
"""


def _numbers_code(plan: Plan, settings: ReadSettings) -> str:
    decimal = '.str.replace(",", ".", regex=False)' if settings.decimal == "," else ""
    cut = _CAREFUL.format(mark=r"\." if settings.decimal == "," else ",") if plan.careful else ""
    return f"""def numbers(raw: pd.DataFrame, column: str) -> pd.Series:
    cells = texts(raw, column).astype("str").str.strip(){cut}{decimal}
    values = pd.to_numeric(cells, errors="coerce").astype(float)
    marked = pd.to_numeric(pd.Series({_marked(settings)}, dtype=object), errors="coerce").dropna()
    return values.where(~values.isin(marked) & np.isfinite(values))
"""


def _load_code(plan: Plan, types: Mapping[str, str], *, of_numbers: bool) -> str:
    """Texts are kept as objects, None where they are empty: that is how the steps behind tell them."""
    kinds = set(types.values())
    makes = ['"number": numbers' if "number" in kinds else "", '"date": dates' if "date" in kinds else ""]
    known = ", ".join(make for make in makes if make)
    plain = [kind for kind in kinds if kind not in ("number", "date")]
    typed = "make[kind](raw, column)" if not plain else "make.get(kind, texts)(raw, column)"
    make = f"    make = {{{known}}}\n" if known else ""
    typed = typed if known else "texts(raw, column)"
    if of_numbers:
        return f"""
def load(path: Path) -> pd.DataFrame:
    \"\"\"The input columns.\"\"\"
    frame = table(path)[list(TYPES)].astype(float)
{_computed_code(plan)}"""
    loop = f"""{make}    for column, kind in TYPES.items():
        frame[column] = {typed}
""" if types else ""  # fmt: skip
    return f"""
def load(path: Path) -> pd.DataFrame:
    \"\"\"The input columns, typed.\"\"\"
    raw = table(path)
    frame = pd.DataFrame(index=raw.index)
{loop}{_computed_code(plan)}"""


def _types(types: Mapping[str, str]) -> str:
    """Many columns of one kind on few lines."""
    kinds = set(types.values())
    if len(kinds) == 1 and len(types) > 12:
        return f"dict.fromkeys({value(list(types))}, {kinds.pop()!r})"
    return value(dict(types))


_CAREFUL = """
    cells = cells.str.replace(r"(?i)[$€£¥₹%\\s'’]|USD|EUR|GBP|CHF|DKK|SEK|NOK|kr\\.?", "", regex=True)
    cells = cells.str.replace(r"(?<=\\d){mark}(?=\\d{{3}})", "", regex=True)  # what sets thousands apart
    cells = cells"""


def _dates_code(settings: ReadSettings, types: Mapping[str, str]) -> str:
    formats = {c: settings.dates.get(c) or "ISO8601" for c, kind in types.items() if kind == "date"}
    return f"""
DATES = {value(formats)}


def dates(raw: pd.DataFrame, column: str) -> pd.Series:
    found = pd.to_datetime(texts(raw, column), format=DATES[column], errors="coerce")
    return found.astype("datetime64[us]")

"""


def _computed_code(plan: Plan) -> str:
    """Impossible cells and computed columns: the very SQL that was agreed on, in SQLite."""
    recipe = plan.file_recipe
    impossible, features = recipe.get("impossible") or {}, list(recipe.get("features") or ())
    wanted = list(recipe["types"])
    if not impossible and not features:
        return (
            f"    return frame[{value(wanted)}]\n" if wanted != list(columns_to_read(recipe)) else "    return frame\n"
        )
    lines = ["    read = frame.copy()"]
    for column, condition in impossible.items():
        lines += [comment(plan.why("data.impossible"), indent="    ").rstrip("\n")]
        lines.append(f"    frame[{column!r}] = frame[{column!r}].mask(sql(read, {condition!r}).eq(1))")
    for made in features:
        lines += [comment(plan.why("data.features", made["name"]), indent="    ").rstrip("\n")]
        number = made["type"] == "number"
        found = f"sql(frame, {made['formula']!r})"
        told = f"pd.to_numeric({found}, errors='coerce').astype(float)" if number else f"{found}.astype(object)"
        lines.append(f"    frame[{made['name']!r}] = {told}")
    lines.append(f"    return frame[{value(wanted)}]")
    return "\n".join(line for line in lines if line.strip()) + "\n"


SQL = '''import sqlite3


def sql(frame: pd.DataFrame, expression: str) -> pd.Series:
    """An SQL expression over the columns, row by row, as SQLite works it out."""
    kinds = {column: "REAL" if frame[column].dtype.kind == "f" else "TEXT" for column in frame.columns}
    told = frame[list(kinds)].copy()
    for column in told.columns[told.dtypes.map(lambda kind: kind.kind == "M")]:
        told[column] = told[column].dt.strftime("%Y-%m-%d %H:%M:%S").str.removesuffix(" 00:00:00")
    with sqlite3.connect(":memory:") as con:
        told.to_sql("rows", con, dtype=kinds, index_label="row number")
        query = f'select ({expression}) as value from rows order by "row number"'
        return pd.Series([value for (value,) in con.execute(query)], index=frame.index, dtype=object)
'''


def _target_code(plan: Plan) -> str:
    recipe, table = plan.recipe, plan.table
    if plan.forecasts:
        return ""
    if not plan.classifies:
        return """def answers(path: Path) -> np.ndarray:
    \"\"\"The target of every row of the file; NaN where it is unknown.\"\"\"
    return numbers(table(path), TARGET).to_numpy()
"""
    merged = (recipe.get("rare") or {}).get("as")
    other = (
        f"    told = told.where(told.isna() | told.isin(LABELS), {merged!r})  # too rare to be told apart\n"
        if merged
        else ""
    )
    return f"""LABELS = {value(list(table.labels))}


def answers(path: Path) -> np.ndarray:
    \"\"\"The class of every row of the file as its place in LABELS; -1 where it is unknown.\"\"\"
    told = texts(table(path), TARGET)
{other}    return told.map({{label: place for place, label in enumerate(LABELS)}}).fillna(-1).to_numpy(dtype=int)
"""
