"""The trials *inputs* and *shape*: how rows become the tensors that enter a network, and three of them read back.

Looking just before the first layer finds what nothing before it can: a column that lost its values, a text whose words
are unknown, a picture on its side, a label of another row (Karpathy 2019, "visualise just before the net").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data.read import ReadSettings, examine, read
from engine.errors import RungwiseError
from engine.evaluation.bench import Bench, open_bench
from engine.evaluation.shown_rows import cell, keep_rows
from engine.models.catalogue import model_spec
from engine.models.fitting import as_learned, off_scale, prepared
from engine.models.networks.inputs import Layout, layout_of
from engine.models.networks.layers import Network
from engine.models.networks.spec import declared
from engine.models.pipeline import features, parts_of
from engine.records import Json, Progress
from engine.trials import Context

READ_BACK, LABELS = 3, 5
SHOWN_COLUMNS, SHOWN_WORDS, SHOWN_STEPS = 12, 12, 12
TALLEST, WIDEST = 16, 32  # of a picture that is drawn in characters
SHADES = " ░▒▓█"
SIDES = {
    "table": "batch: rows of one step; features: the prepared columns. float32, in this order for every row.",
    "terms": "batch: texts of one step; features: words and pairs of words. Nearly all are 0 and are not written down.",
    "tokens": "batch: texts of one step; length: words, as numbers of a vocabulary, int64; 0 behind a text's end.",
    "window": "batch: windows of one step; time: values up to the origin; channel: series beside each other. float32.",
    "picture": "batch: pictures of one step; height, width, channel: pixels. float32.",
}


@dataclass(frozen=True)
class Entering:
    """The training part of split 1 as it enters a network.

    X: (n, width) prepared, without the level and spread of a forecast; level, spread: (n,) of these, or None.
    """

    network: Network
    layout: Layout
    prepare: Any
    X: Any
    level: np.ndarray | None
    spread: np.ndarray | None
    positions: np.ndarray


def entering(bench: Bench, network: Network, seed: int, made: dict[str, tuple[Any, Any]] | None = None) -> Entering:
    """Prepare the training part of split 1 for a network.  made: preparations that were fitted before, by style.

    Raises DataProblem where the table holds nothing that it takes.
    """
    recipe, table = bench.recipe, bench.table
    train, _ = bench.splits.folds[0]
    spec = model_spec(network.name, recipe["task"])
    known = {} if made is None else made
    if spec.prepare not in known:
        target, _ = as_learned(recipe, spec, table.y[train])
        known[spec.prepare] = prepared(recipe, spec.prepare, table, table.frame.iloc[train], target, train, seed)
    prepare, X = known[spec.prepare]
    level = spread = None
    if recipe["task"] == "forecast":
        level, spread, X = off_scale(X)
    layout = layout_of(network, prepare, X.shape[1], recipe)
    return Entering(network, layout, prepare, X, level, spread, train)


def inputs(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: what one row is to each network, so that it can be counted before anything is built.

    params: recipe, names.  Returns {"inputs": {name: Inputs as a dict}, "left_out": {name: why}}.
    """
    bench = open_bench(params, ctx)
    made: dict[str, tuple[Any, Any]] = {}
    found: dict[str, Json] = {}
    left_out: dict[str, str] = {}
    for i, name in enumerate(params["names"]):
        ctx.report(Progress(i, len(params["names"]), "network", f"what would enter {declared(name).title}"))
        try:
            found[name] = entering(bench, declared(name), ctx.seed, made).layout.inputs.as_dict()
        except RungwiseError as problem:
            left_out[name] = str(problem)
    return {"inputs": found, "left_out": left_out}


def shape(params: dict[str, Json], ctx: Context) -> dict[str, Json]:
    """Trial: one batch as it enters the first layer, checked, and its first rows read back.

    params: recipe, model.  Returns spec [{what, shape, type, low, high, means}], checks [{title, passed, found}], sides
    (what each side of the shape is, in words), rows_digest (part "read back").  Raises DataProblem, UsageProblem.
    """
    bench = open_bench(params, ctx)
    model = params["model"]
    network = declared(str(model["name"]), model.get("settings"))
    ctx.report(Progress(0, 2, "step", "preparing the training part of split 1"))
    given = entering(bench, network, ctx.seed)
    ctx.report(Progress(1, 2, "step", "reading it back"))
    rows = np.unique(np.linspace(0, len(given.positions) - 1, LABELS).astype(int))
    columns, lines = _read_back(bench, given, rows[:READ_BACK])
    digest = keep_rows(ctx, {"read back": (columns, lines)})
    return {
        "spec": [_enters(given), *_beside(given), _answers(bench, network)],
        "checks": [*_values(given), *_labels(bench, given, rows, ctx), *_reads(given, columns, lines)],
        "sides": SIDES[network.takes],
        "rows_digest": digest,
        "rows": [int(r) for r in bench.table.rows[given.positions[rows[:READ_BACK]]]],
    }


# -- what enters ---------------------------------------------------------------------------------------------------


def _main(given: Entering) -> np.ndarray:
    """The numbers that enter the first layer, of all rows: (n, …), or of terms those that are not 0."""
    if given.network.takes == "terms" and hasattr(given.X, "data"):
        return np.asarray(given.X.tocsr().data)
    return np.asarray(given.layout.tensors(given.X).x)


def _enters(given: Entering) -> dict[str, Json]:
    values, takes = _main(given), given.network.takes
    words = {
        "table": "prepared columns",
        "terms": "weights of words and pairs of words",
        "tokens": "numbers of words; 0 behind the end, 1 for a word that is not in the vocabulary",
        "window": "values before the origin, less the last one, over their usual change",
        "picture": "pixels",
    }
    return {
        "what": "inputs",
        "shape": given.layout.inputs.said,
        "type": "int64" if takes == "tokens" else "float32",
        **_range(values),
        "means": words[takes],
    }


def _beside(given: Entering) -> list[dict[str, Json]]:
    many = given.layout.inputs.beside
    if not many:
        return []
    beside = np.asarray(given.layout.tensors(given.X).beside)
    words = "columns that are no part of the material; they join before the head"
    shape = f"(batch, features {many:,})"
    return [{"what": "beside", "shape": shape, "type": "float32", **_range(beside), "means": words}]


def _answers(bench: Bench, network: Network) -> dict[str, Json]:
    """The targets, as the loss takes them."""
    labels = bench.table.labels
    if bench.classifies:
        said = ", ".join(f"{i} {label}" for i, label in enumerate(labels[:6])) + (", …" if len(labels) > 6 else "")
        ends: dict[str, Json] = {"low": 0, "high": len(labels) - 1}
        return {"what": "targets", "shape": "(batch)", "type": "int64", **ends, "means": f"classes by number: {said}"}
    forecast = "the value less the last one, over the usual change"
    plain = "the value less the mean of the training rows, over their deviation"
    shape = "(batch, steps)" if network.takes == "window" else "(batch)"
    means = forecast if bench.table.steps is not None else plain
    return {"what": "targets", "shape": shape, "type": "float32", "low": None, "high": None, "means": means}


def _range(values: np.ndarray) -> dict[str, Json]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return {"low": None, "high": None}
    return {"low": round(float(finite.min()), 4), "high": round(float(finite.max()), 4)}


# -- checked -------------------------------------------------------------------------------------------------------


def _check(title: str, passed: bool, found: str) -> dict[str, Json]:
    return {"title": title, "passed": bool(passed), "found": found}


def _values(given: Entering) -> list[dict[str, Json]]:
    values, takes = _main(given), given.network.takes
    broken = int((~np.isfinite(values)).sum())
    checks = [
        _check("every value is a number", broken == 0, f"{broken:,} that are not" if broken else "all are numbers")
    ]
    if takes == "tokens":
        rows = given.layout.inputs.rows
        inside = bool(values.min(initial=0) >= 0 and values.max(initial=0) < rows)
        unknown = float((values == 1).sum() / max(1, (values > 0).sum()))
        checks.append(
            _check("words lie in the vocabulary", inside, f"{rows:,} numbers, {100 * unknown:.1f} % unknown words")
        )
        blank = int(((values > 0).sum(axis=1) == 0).sum())  # a network takes such a text: it says nothing of it
        words = f"{blank:,} of {len(values):,} have no word" if blank else "each has a word"
        checks.append(_check("most texts have words", blank <= len(values) / 2, words))
    elif takes != "terms":
        flat = values.reshape(len(values), -1)
        still = int((flat.std(axis=0) == 0).sum())
        share = still / max(1, flat.shape[1])
        verb = "says" if still == 1 else "say"
        words = f"{still:,} of {flat.shape[1]:,} inputs {verb} the same for every row"
        checks.append(_check("inputs tell rows apart", share < 1, words if still else "every input varies"))
        wide = float(np.abs(flat).max(initial=0))
        checks.append(_check("values are of a size to learn from", wide <= 1e3, f"the largest is {wide:.3g}"))
    return checks


def _labels(bench: Bench, given: Entering, rows: np.ndarray, ctx: Context) -> list[dict[str, Json]]:
    """Labels of five rows, read once more from the file itself by the rows' numbers in it; of a series they are values
    of the windows beside them, which are read back."""
    recipe, table = bench.recipe, bench.table
    if table.steps is not None:
        return []
    settings = ReadSettings.from_dict(recipe["read"]) if recipe.get("read") else examine(ctx.source()).settings
    cells = read(ctx.source(), settings, columns=[str(recipe["target"])]).frame().iloc[:, 0]
    positions = given.positions[rows]
    asked = same = 0
    for number, y in zip(table.rows[positions], table.y[positions], strict=True):
        written = str(cells.iloc[int(number)]).strip()
        if table.labels and table.labels[int(y)] == (recipe.get("rare") or {}).get("as"):
            continue  # classes that were put together have another name in the file
        asked += 1
        same += written == table.labels[int(y)] if table.labels else _number(written) == float(y)
    return [
        _check("labels belong to their rows", same == asked, f"{same} of {asked} labels read again from the file fit")
    ]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # with a unit or a sign of its own: the table has read it by the recipe's rules
        return float("nan")


def _reads(given: Entering, columns: Sequence[str], lines: Sequence[Sequence[Json]]) -> list[dict[str, Json]]:
    """Whether there is something to read back beside the label."""
    kind = {"picture": "pictures", "tokens": "texts", "window": "windows, in the series' own unit"}
    found = f"{len(columns) - 1} {kind.get(given.network.takes, 'rows')} read back"
    return [_check("rows can be read back", len(lines) > 1, found)]


# -- read back -----------------------------------------------------------------------------------------------------


def _read_back(bench: Bench, given: Entering, rows: np.ndarray) -> tuple[list[str], list[list[Json]]]:
    """A column for each row: its label, and what enters put back into words, values or a picture."""
    names = [f"row {int(number) + 1:,}" for number in bench.table.rows[given.positions[rows]]]
    y = bench.table.y[given.positions[rows]]
    labels: list[Json] = [bench.table.labels[int(v)] if bench.classifies else cell(float(v)) for v in y]
    head = [[f"{bench.recipe['target']} (target)", *labels]]
    match given.network.takes:
        case "picture":
            lines = _pictures(given, rows)
        case "tokens":
            lines = _words(given, rows)
        case "window":
            lines = _windows(given, rows)
        case _:
            lines = _columns(bench, given, rows)
    return ["", *names], [*head, *lines]


def _pictures(given: Entering, rows: np.ndarray) -> list[list[Json]]:
    """Each picture in shades, line by line."""
    seen = np.asarray(given.layout.tensors(given.X[rows]).x).mean(axis=3)  # (rows, height, width)
    tall, wide = -(-seen.shape[1] // TALLEST), -(-seen.shape[2] // WIDEST)
    seen = seen[:, ::tall, ::wide]
    low, high = seen.min(), seen.max()
    levels = ((seen - low) / max(high - low, 1e-9) * (len(SHADES) - 1)).round().astype(int)
    return [
        ["pixels" if y == 0 else "", *("".join(2 * SHADES[v] for v in picture[y]) for picture in levels)]
        for y in range(levels.shape[1])
    ]


def _words(given: Entering, rows: np.ndarray) -> list[list[Json]]:
    """The first words of each text, one a line, from their numbers."""
    steps = {name: step for name, step, _ in parts_of(given.prepare)[0].transformers_}
    numbers = np.asarray(given.layout.tensors(given.X[rows]).x)
    said = [steps["tokens"].decoded(row[:SHOWN_WORDS]).split(" ") for row in numbers]
    lines: list[list[Json]] = []
    for i in range(SHOWN_WORDS):
        told = [
            f"{int(row[i])} {words[i]}" if i < len(words) and row[i] else ""
            for row, words in zip(numbers, said, strict=True)
        ]
        if any(told):
            lines.append([f"word {i + 1}", *told])
    return [*lines, ["words in all", *(float((row > 0).sum()) for row in numbers)]]


def _windows(given: Entering, rows: np.ndarray) -> list[list[Json]]:
    """The last values of each window, put back into the series' own unit."""
    seen = np.asarray(given.layout.tensors(given.X[rows]).x)[..., 0]  # (rows, time), the newest last
    level = np.zeros(len(rows)) if given.level is None else given.level[rows]
    spread = np.ones(len(rows)) if given.spread is None else given.spread[rows]
    values = seen * spread[:, None] + level[:, None]
    time = seen.shape[1]
    shown = range(max(0, time - SHOWN_STEPS), time)
    return [
        [
            _back(time - 1 - i),
            *(cell(round(float(v), 4)) for v in values[:, i]),
        ]
        for i in shown
    ]


def _back(steps: int) -> str:
    return "the last value" if not steps else f"{steps} step{'' if steps == 1 else 's'} before the last"


def _columns(bench: Bench, given: Entering, rows: np.ndarray) -> list[list[Json]]:
    """Prepared columns that say something of these rows, with the cell that each was made from."""
    made = features(given.prepare) if given.prepare is not None else []
    part = given.X[rows]
    dense = part.toarray() if hasattr(part, "toarray") else np.asarray(part, dtype=float)
    offset = dense.shape[1] - len(made)  # of a forecast the first two are taken off
    named: list[tuple[str, str]] = [("", f"input {i + 1}") for i in range(dense.shape[1])]
    if offset == 0 or -2 <= offset < 0:
        named = [tuple(map(str, pair)) for pair in made][-dense.shape[1] :]  # type: ignore[misc]
    said = np.abs(dense).max(axis=0) if given.network.takes == "terms" else (np.abs(dense) > 0).sum(axis=0)
    order = np.argsort(-said, kind="stable")[:SHOWN_COLUMNS]
    frame = bench.table.frame.iloc[given.positions[rows]]
    lines: list[list[Json]] = []
    for i in np.sort(order):
        source, name = named[i]
        cells = [_from(frame, source, r) for r in range(len(rows))]
        lines.append(
            [
                name,
                *(
                    f"{v:.3g}" + (f"  from {c}" if c is not None else "")
                    for v, c in zip(dense[:, i], cells, strict=True)
                ),
            ]
        )
    return lines


def _from(frame: Any, source: str, row: int) -> Json:
    if source not in frame.columns:
        return None
    value = cell(frame[source].iloc[row])
    if value is None:
        return "an empty cell"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else text[:23] + "…"
