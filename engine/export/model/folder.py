"""The export *model*: everything that somebody needs to use the model, in one folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from engine.data.computed import columns_to_read
from engine.data.settings import ReadSettings
from engine.errors import DataProblem
from engine.export.dossier import Dossier, Product
from engine.export.markdown import code_of, text_of, view_of
from engine.export.model.common import artifact_of, furthest, inputs, read_rows, said_of
from engine.export.told import examined, name_of
from engine.metrics import figure
from engine.models.persist import Artifact
from engine.models.predict import predict_file
from engine.records import Json
from engine.stages.columns import counted
from engine.views import Table

GOLDEN = 20  # rows whose answers are kept, to see that nothing has changed
MODEL = "model.rungwise"
KEPT_AS = {"skops": "skops files", "keras": "a `.keras` file"}

PREDICT = '''"""Predict for the rows of a file:  python predict.py DATA OUT.csv

It takes Rungwise (see README.md); nothing in the model file is unpickled or run.
"""

import sys
from pathlib import Path

try:
    from engine.errors import RungwiseError
    from engine.models.persist import loads
    from engine.models.predict import predict_file
except ImportError as problem:
    sys.exit(f"This takes Rungwise, which this Python has not ({problem}): README.md says how to install it.")

MODEL = Path(__file__).with_name("model.rungwise")


def main(data: str, out: str) -> None:
    rows = predict_file(loads(MODEL.read_bytes()), Path(data), Path(out))
    print(f"{rows:,} rows written to {out}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except RungwiseError as problem:
        sys.exit(str(problem))
'''

CHECK = '''"""Predict the golden rows again; are the answers those of the day the model left?  python check.py"""

import csv
import sys
import tempfile
from pathlib import Path

from predict import main

HERE = Path(__file__).parent


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def unlike(told: str, wanted: str) -> bool:
    a, b = number(told), number(wanted)
    return told != wanted if a is None or b is None else abs(a - b) > 1e-6 * max(1.0, abs(b))


with tempfile.TemporaryDirectory() as place:
    out = Path(place) / "out.csv"
    main(str(HERE / "golden.csv"), str(out))
    told, wanted = rows(out), rows(HERE / "golden-answers.csv")
wrong = [i + 1 for i, (a, b) in enumerate(zip(told, wanted, strict=True)) if any(unlike(a[c], b[c]) for c in b)]
if wrong:
    sys.exit(f"Rows {wrong} of golden.csv get other answers than on the day the model left.")
print(f"All {len(wanted)} golden rows get the answers of the day the model left.")
'''


def model(d: Dossier) -> Product:
    """The folder: the model, how to use it, golden rows with their answers, and what it was made with.

    Golden rows are rows of the data; whoever gets the folder gets them too, and is told so.
    """
    artifact = artifact_of(d)
    files: dict[str, str | bytes] = {
        MODEL: d.fetch(str(d.final.value["artifact"])),
        "predict.py": PREDICT,
        "requirements.txt": _requirements(d),
    }
    golden = _golden(d, artifact)
    said = [
        f"The model takes {counted(len(artifact.schema['columns']), 'column')} and was fitted to "
        f"{_learned_from(d, artifact)}."
    ]
    if golden is None:
        said.append("Without golden rows and check.py: these are kept for models of tables only.")
    else:
        files |= golden | {"check.py": CHECK}
        count = str(golden["golden-answers.csv"]).count("\n") - 1
        said.append(f"golden.csv holds {count} rows of the data; take it out where nobody may see them.")
    files["README.md"] = _readme(d, artifact, golden is not None)
    return Product(files, tuple(said))


def _requirements(d: Dossier) -> str:
    """The versions that the model was fitted with, in the form of pip; not Rungwise itself, whose name in a public
    registry would be anybody's.

    They come from the store, which may be a stranger's: what is no version (PEP 440) would be an order to pip.
    """
    env: Mapping[str, Json] = d.environment(d.final.environment) or {}
    versions = {
        name: v for name, v in (env.get("versions") or {}).items() if name in ("scikit-learn", "skrub", "skops")
    }
    if d.final.value.get("format") == "keras":
        versions |= {name: v for name, v in (env.get("versions") or {}).items() if name == "keras"}
    told = {name: str(version).partition("+")[0] for name, version in versions.items()}
    lines = ["# Rungwise itself is installed from its repository: see README.md"]
    lines += [f"{name}=={version}" for name, version in told.items() if re.fullmatch(r"[0-9A-Za-z.!]+", version)]
    return "\n".join(lines) + "\n"


def _golden(d: Dossier, artifact: Artifact) -> dict[str, str] | None:
    """Some rows as a file like the one it learned from, and their answers; None where they do not read back alike."""
    recipe = artifact.recipe
    if recipe.get("material") not in (None, "table"):
        return None
    rows = read_rows(d, recipe, GOLDEN)
    wanted = said_of(artifact, inputs(rows, recipe))
    written = as_file(rows, recipe)
    with tempfile.TemporaryDirectory() as place:
        data, out = Path(place) / "golden.csv", Path(place) / "out.csv"
        data.write_text(written, encoding="utf-8")
        try:
            predict_file(artifact, data, out)
            found = pd.read_csv(out, dtype={"prediction": str} if artifact.fitted.labels else None)
            furthest(found, wanted, "A file of golden rows", 1e-9)
        except DataProblem:
            return None
        return {"golden.csv": written, "golden-answers.csv": out.read_text(encoding="utf-8")}


def as_file(rows: pd.DataFrame, recipe: Mapping[str, Json]) -> str:
    """Typed rows as the text of a file, in the notation that the model's file was written in."""
    settings = ReadSettings.from_dict(recipe.get("read") or {})
    plain = settings.format == "csv"
    separator, comma = (settings.separator, settings.decimal == ",") if plain else (",", False)
    told = pd.DataFrame({name: _told(rows.loc[:, name], kind, settings.dates.get(name), comma)
                         for name, kind in columns_to_read(recipe).items()})  # fmt: skip
    return told.to_csv(index=False, sep=separator, lineterminator="\n")


def _told(column: pd.Series, kind: str, dates: str | None, comma: bool) -> list[str | None]:
    if kind == "number":
        return [None if np.isnan(v) else _number(float(v)).replace(".", "," if comma else ".") for v in column]
    if kind == "date":
        written = dates if dates and "%" in dates else "%Y-%m-%d %H:%M:%S"
        return [None if pd.isna(v) else v.strftime(written) for v in column]
    return [None if v is None or v != v else str(v) for v in column]


def _number(value: float) -> str:
    """All digits, whole numbers without a point."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _readme(d: Dossier, artifact: Artifact, golden: bool) -> str:
    s = d.session
    schema = artifact.schema
    result = s.decision("present.result")
    columns = [(c["name"], c["type"], _range(c)) for c in schema["columns"]]
    parts = [
        f"# {text_of(d.name)}: the model",
        f"Predicts **{text_of(s.target)}**" + (f" ({text_of(name_of(s.rungs[-1]))})." if s.rungs else "."),
    ]
    if result is not None and result.check is not None:
        parts.append(text_of(examined(s)))
    if artifact.threshold is not None:
        parts.append(f"It says {text_of(schema['labels'][1])} from a probability of {figure(artifact.threshold)} on.")
    parts += [
        "## Using it\n\nIt takes Rungwise itself: in a clone of its repository, `pip install -c constraints.txt "
        f"'.{'[deep]' if artifact.format != 'skops' else ''}'`.  requirements.txt holds the versions that the model "
        "was fitted with.  Where Rungwise cannot be, ONNX, SQL and the script can: see `rungwise export --help`.\n\n"
        "```\npip install -r requirements.txt\npython predict.py DATA.csv OUT.csv\n"
        + ("python check.py\n" if golden else "")
        + f"```\n\n{_what_comes_out(artifact)}",
        "## What it takes",
        view_of(Table("Columns", ("column", "type", "seen in training"), columns)),
        "## What is in the folder\n\n"
        f"* `{MODEL}`: the preparation and the model, a zip of JSON and "
        + KEPT_AS.get(artifact.format, "a network's weights")
        + "; nothing in it is pickled, and opening it runs nothing\n* `predict.py`: all that is needed to use it\n"
        + ("* `golden.csv`, `golden-answers.csv`, `check.py`: rows of the data, and what the model said of them\n"
           if golden else "")
        + "* `requirements.txt`: what it was made with",
        f"Fitted on {_learned_from(d, artifact)} of {text_of(d.source)}, SHA-256 `{code_of(s.data)}`.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _what_comes_out(artifact: Artifact) -> str:
    if artifact.recipe.get("material") == "series":
        return "OUT.csv has a line for each step after the last one of each series in DATA.csv."
    return "OUT.csv has a line for each row of DATA.csv, in the same order."


def _learned_from(d: Dossier, artifact: Artifact) -> str:
    """How many rows taught it; of a series what is learned from is cut out of it, window by window."""
    rows = f"{d.final.value['rows']:,}"
    return f"{rows} moments of the past" if artifact.recipe.get("material") == "series" else f"{rows} rows"


def _range(column: Mapping[str, Json]) -> str:
    empty = f"; {column['missing']:.1%} empty" if column.get("missing") else ""
    if "min" in column:
        low, high = column["min"], column["max"]
        return (f"{figure(low)} … {figure(high)}" if isinstance(low, int | float) else f"{low} … {high}") + empty
    levels = column.get("levels")
    if levels:
        more = f", … ({len(levels)} in all)" if len(levels) > 6 else ""
        return ", ".join(levels[:6]) + more + empty
    return empty.removeprefix("; ")
