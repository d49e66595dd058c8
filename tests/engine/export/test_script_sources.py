"""Scripts of sessions whose data are no text table with a header: workbooks, databases, typed files, folders."""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.data.address import path_of
from engine.data.read import columns_of, examine
from engine.data.settings import ReadSettings
from engine.errors import RungwiseError
from engine.export.code.cells import cells
from engine.export.code.script import as_script, plan_of, run, script
from engine.models.forecasting import forecasts
from engine.models.predict import predict_file
from engine.session import Session
from tests.engine.export.test_script import BREAKS, PLAIN, left, ran, skeleton, unpacked
from tests.engine.tables import customers, sales

ROWS = 240
TYPES = {**PLAIN, "since": "date"}


def typed_rows(place: Path) -> pd.DataFrame:
    """Customers with columns of a type each, and gaps in them."""
    frame = pd.read_csv(customers(place / "plain.csv", ROWS), parse_dates=["since"], dtype={"zip": "int64"})
    (place / "plain.csv").unlink()
    return frame.assign(member=frame["member"].eq("yes").where(frame["member"].notna(), None).astype("boolean"))


def workbook(place: Path) -> str:
    """A title above the header, an empty first column, and a smaller sheet beside it."""
    frame = typed_rows(place)
    with pd.ExcelWriter(place / "t.xlsx", engine="openpyxl") as writer:
        pd.DataFrame({"note": ["see the other sheet"]}).to_excel(writer, sheet_name="read me", index=False)
        frame.to_excel(writer, sheet_name="cust'omers", index=False, startrow=2, startcol=1)
        writer.sheets["cust'omers"].cell(1, 2, "Customers of 2026")
    return "t.xlsx"


MANIFEST = """<?xml version="1.0"?><manifest:manifest
xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/"
manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>"""


def opendocument(place: Path) -> str:
    """As a spreadsheet program saves it: cells with a type, repeated where they are equal."""
    import zipfile

    def cell(value: Any) -> str:
        if value is None or value is pd.NaT or value is pd.NA or value != value:
            return "<table:table-cell/>"
        if isinstance(value, bool):
            return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
        if isinstance(value, dt.datetime):
            return f'<table:table-cell office:value-type="date" office:date-value="{value:%Y-%m-%d}"/>'
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    frame = typed_rows(place)
    rows = [list(frame.columns), *frame.astype(object).values.tolist()]
    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
                      for name in ("office", "table", "text"))  # fmt: skip
    content = (f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet>'
               f'<table:table table:name="Customers">{body}</table:table></office:spreadsheet></office:body>'
               "</office:document-content>")  # fmt: skip
    with zipfile.ZipFile(place / "t.ods", "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("content.xml", content)
        packed.writestr("META-INF/manifest.xml", MANIFEST)
    return "t.ods"


def database(place: Path) -> Path:
    frame = typed_rows(place)
    frame["since"] = frame["since"].dt.strftime("%Y-%m-%d")
    with closing(sqlite3.connect(place / "shop.db")) as con:
        frame.assign(member=frame["member"].astype(object)).to_sql("all customers", con, index=False)
        pd.DataFrame({"zip": frame["zip"].unique()}).to_sql("zips", con, index=False)
    return place / "shop.db"


def table_of_sqlite(place: Path) -> str:
    return f"{database(place).name}::all customers"


def query_of_sqlite(place: Path) -> str:
    return (f"{database(place).name}::select \"target\", age, income, plan, member, since, 4 / 2 as half, zip from "
            "\"all customers\" join zips using (zip) where income > 0 order by income")  # fmt: skip


def duck(place: Path) -> Path:
    import duckdb

    frame = typed_rows(place)
    with duckdb.connect(str(place / "shop.duckdb")) as con:
        con.register("given", frame.assign(income=frame["income"].astype("float32")))
        con.execute("create schema sales")
        con.execute("create table sales.customers as select * replace (age::decimal(5, 1) as age) from given")
        con.execute("create table zips as select distinct zip from given")
    return place / "shop.duckdb"


def table_of_duckdb(place: Path) -> str:
    return f"{duck(place).name}::sales.customers"


def query_of_duckdb(place: Path) -> str:
    return f"{duck(place).name}::select c.* from sales.customers c join zips using (zip) order by income"


def no_header(place: Path) -> str:
    frame = pd.read_csv(customers(place / "t.csv", ROWS))
    frame.to_csv(place / "t.csv", index=False, header=False, sep=";")
    return "t.csv"


def parquet(place: Path) -> str:
    frame = typed_rows(place)
    frame.assign(income=frame["income"].astype("float32"), plan=frame["plan"].astype("category")).to_parquet(
        place / "t.parquet"
    )
    return "t.parquet"


def feather(place: Path) -> str:
    typed_rows(place).to_feather(place / "t.feather")
    return "t.feather"


def json_lines(place: Path) -> str:
    frame = typed_rows(place)
    frame["since"] = frame["since"].dt.strftime("%Y-%m-%d")
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    (place / "t.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return "t.jsonl"


def an_array(place: Path) -> str:
    import gzip

    lines = (place / json_lines(place)).read_text().strip().split("\n")
    (place / "t.json.gz").write_bytes(gzip.compress(f"[{','.join(lines)}]".encode()))
    return "t.json.gz"


def texts(place: Path) -> str:
    """Letters of two kinds, some not in UTF-8, one that is no text."""
    rng = np.random.default_rng(0)
    words = {"complaint": ["bill", "late", "wrong", "call"], "praise": ["thanks", "quick", "friendly", "good"]}
    for kind, own in words.items():
        (place / "letters" / kind / "2026").mkdir(parents=True)
        for i in range(40):
            said = " ".join(rng.choice([*own, "the", "my", "ca\u00e9"], 12)) + "\r\nBye\n"
            encoding = "cp1252" if i % 7 == 0 else "utf-8"
            (place / "letters" / kind / "2026" / f"{i}.txt").write_bytes(said.encode(encoding))
    (place / "letters" / "praise" / "picture.txt").write_bytes(b"\0\1\2")
    return "letters"


def pictures(place: Path) -> str:
    """Of each class another corner is bright; grey ones, and one that is cut off."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for kind in ("cat", "dog", "owl"):
        (place / "animals" / kind).mkdir(parents=True)
        for i in range(30):
            light = rng.integers(0, 90, (6, 6)).astype(np.uint8)
            corner = {"cat": (0, 0), "dog": (0, 3), "owl": (3, 0)}[kind]
            light[corner[0] : corner[0] + 3, corner[1] : corner[1] + 3] += rng.integers(20, 100, dtype=np.uint8)
            Image.fromarray(light).save(place / "animals" / kind / f"{i}.png")
    (place / "animals" / "owl" / "broken.png").write_bytes(b"\x89PNG\r\n")
    return "animals"


def coloured(place: Path) -> str:
    """Red and blue ones of several sizes; some see-through."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for kind, channel in (("rose", 0), ("violet", 2)):
        (place / "flowers" / kind).mkdir(parents=True)
        for i in range(30):
            size = (int(rng.integers(20, 60)), int(rng.integers(20, 60)))
            light = rng.integers(0, 160, (*size, 3)).astype(np.uint8)
            light[..., channel] |= 96
            if i % 5 == 0:
                light = np.dstack([light, np.full(size, 200, np.uint8)])
            Image.fromarray(light).save(place / "flowers" / kind / f"{i}.{'png' if i % 5 == 0 else 'bmp'}")
    return "flowers"


OF_FOLDERS = {"target": "label", "positive": None, "metric": "accuracy"}
TABLE: dict[str, Any] = {"types": TYPES}
FORMS: dict[str, tuple[Callable[[Path], str], str, str, dict[str, Any]]] = {
    "workbook": (workbook, "logistic", "binary", TABLE),
    "OpenDocument": (opendocument, "logistic", "binary", TABLE),
    "table of SQLite": (table_of_sqlite, "logistic", "binary", TABLE),
    "query of SQLite": (query_of_sqlite, "tree", "binary", TABLE),
    "table of DuckDB": (table_of_duckdb, "logistic", "binary", TABLE),
    "query of DuckDB": (query_of_duckdb, "tree", "binary", TABLE),
    "no header": (no_header, "logistic", "binary", {
        "target": "column 8", "types": {"column 1": "number", "column 3": "category", "column 5": "date"},
    }),
    "Parquet": (parquet, "logistic", "binary", TABLE),
    "Feather": (feather, "tree", "binary", TABLE),
    "JSON lines": (json_lines, "logistic", "binary", TABLE),
    "JSON in one array": (an_array, "logistic", "binary", TABLE),
    "texts": (texts, "logistic", "binary", {
        **OF_FOLDERS, "positive": "praise", "types": {"text": "text"}, "prepare": {"text": {"encode": "words"}},
    }),
    "pictures": (pictures, "logistic", "multiclass", {**OF_FOLDERS, "material": "image"}),
    "pictures in colour": (coloured, "logistic", "binary", {
        **OF_FOLDERS, "positive": "rose", "material": "image", "side": 8,
    }),
}  # fmt: skip


def session_of(form: str, place: Path):
    """The session of such data: its dossier, the model, its figure, and the address of the data."""
    make, model, task, changes = FORMS[form]
    path = path_of(f"{place}/{make(place)}")
    read = examine(path).settings.as_dict()
    if "side" in changes:
        read, changes = {**read, "side": changes["side"]}, {k: x for k, x in changes.items() if k != "side"}
    if changes.get("material") == "image":
        changes = {
            **changes,
            "types": {c: "number" for c in columns_of(path, ReadSettings.from_dict(read)) if c.startswith("pixel_")},
        }
    changes = {"positive": "leave", **changes, "read": read}
    return *left(path, model, task, changes), path


@pytest.mark.parametrize("form", FORMS)
def test_plain_code_reads_it_as_the_session_did(form, tmp_path):
    dossier, artifact, value, path = session_of(form, tmp_path)
    product = script(dossier)
    assert product.said[0].startswith("Plain pandas reads the")
    unpacked(product, tmp_path, "small.py")
    told = ran(tmp_path, "small.py")
    assert re.search(rf"{value:.6g} over \d practice exams; the session said {value:.6g}", told), told
    predict_file(artifact, path, tmp_path / "wanted.csv")
    told, wanted = pd.read_csv(tmp_path / "small.predictions.csv"), pd.read_csv(tmp_path / "wanted.csv")
    assert list(told["prediction"]) == list(wanted["prediction"])
    of = [name for name in wanted.columns if name.startswith("proba_")]
    assert np.allclose(told[of], wanted[of], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", ["workbook", "query of SQLite", "no header", "texts"])
def test_names_and_settings_of_strangers_stay_literals(form, tmp_path, monkeypatch):
    """Sheets, queries, separators, folders and whys that are code: they reach the script as text."""
    monkeypatch.chdir(tmp_path)
    dossier, _, _, _ = session_of(form, tmp_path)
    plan = plan_of(dossier)
    plain = skeleton(as_script(cells(plan)))
    journal = tuple(replace(d, why=BREAKS, reason=BREAKS) for d in dossier.journal)
    hostile = replace(dossier, source=BREAKS, journal=journal, session=Session(BREAKS, "f" * 64, journal))
    read = {**plan.recipe["read"], "sheet": BREAKS, "missing": [BREAKS], "dates": {BREAKS: BREAKS}}
    read |= {"table": f"select {BREAKS}"} if form == "query of SQLite" else {}
    made = as_script(cells(replace(plan, d=hostile, recipe={**plan.recipe, "read": read}, stem=BREAKS)))
    assert "__import__" in made
    assert not skeleton(made) & {"__import__", "touch"}
    assert skeleton(made) <= plain | {"EVERYWHERE"}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("query", ["select 1; drop table zips", "pragma journal_mode = delete", "attach 'x' as y"])
def test_a_query_of_a_stranger_that_does_more_than_read_is_refused(query, tmp_path):
    dossier, _, _, _ = session_of("query of SQLite", tmp_path)
    plan = plan_of(dossier)
    recipe = {**plan.recipe, "read": {**plan.recipe["read"], "table": query}}
    with pytest.raises((RungwiseError, sqlite3.Error)):
        run(cells(replace(plan, recipe=recipe)), tmp_path)["table"](tmp_path / "shop.db")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as con:
        assert con.execute("select count(*) from zips").fetchone()[0] > 0


def test_a_table_in_which_a_word_means_missing_everywhere(tmp_path):
    path = customers(tmp_path / "t.csv", ROWS)
    path.write_text(path.read_text().replace(",basic,", ",Unknown,"))
    read = {**examine(path).settings.as_dict(), "missing": "Unknown"}
    dossier, _, value = left(path, "logistic", "binary", {"read": read})
    unpacked(script(dossier), tmp_path, "small.py")
    assert f"{value:.6g} over 3 practice exams" in ran(tmp_path, "small.py")


def test_a_series_of_a_workbook(tmp_path):
    """Its times are dates of the workbook, and its gaps empty cells."""
    frame = pd.read_csv(sales(tmp_path / "t.csv", shops=2, months=48), parse_dates=["month"])
    frame.loc[[20, 21], "sold"] = np.nan
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    read = examine(tmp_path / "t.xlsx").settings.as_dict()
    dossier, artifact, value = left(tmp_path / "t.xlsx", "ridge", "forecast", {"id": "shop", "known": [], "read": read})
    unpacked(script(dossier), tmp_path, "small.py")
    assert f"the session said {value:.6g}" in ran(tmp_path, "small.py")
    wanted, told = forecasts(artifact, tmp_path / "t.xlsx"), pd.read_csv(tmp_path / "small.predictions.csv")
    assert list(told["month"]) == list(wanted["month"])
    assert np.allclose(told["prediction"], wanted["prediction"], rtol=1e-9)
