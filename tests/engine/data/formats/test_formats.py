"""A table is the same table in whatever form it comes; and whatever the bytes, it is a table or one sentence."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.cells import ALWAYS_MISSING, to_texts
from engine.data.profile import profile
from engine.data.read import chunks, columns_of, examine, read
from engine.data.settings import ReadSettings, overruled
from engine.data.table import load, load_features
from engine.errors import DataProblem
from tests.engine.data.formats.writers import WRITERS
from tests.engine.data.table_files import Context, recipe

FORMS = {
    "csv": "csv", "csv.gz": "csv", "csv.bz2": "csv", "csv.xz": "csv", "csv.zst": "csv", "csv.zip": "csv",
    "parquet": "parquet", "feather": "arrow", "arrows": "arrow", "xlsx": "excel", "ods": "excel", "jsonl": "jsonl",
    "json": "jsonl", "db": "sqlite", "duckdb": "duckdb",
}  # fmt: skip
TYPED = [key for key, form in FORMS.items() if form != "csv"]
SLOW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def customers(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "pay": rng.normal(3000, 500, n).round(2),
            "city": rng.choice(["Århus", "Odense, Fyn", 'the "Vejle"', "København"], n),
            "since": pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "zip": [f"0{k}" for k in rng.integers(100, 999, n)],
            "left": rng.choice(["no", "yes"], n),
        }
    )
    frame.loc[3, "pay"] = np.nan
    frame.loc[5, "city"] = None
    return frame


TYPES = {"age": "number", "pay": "number", "city": "category", "since": "date", "zip": "category", "left": "category"}


@pytest.mark.parametrize("key", FORMS)
def test_the_same_table_in_every_form(tmp_path, key):
    WRITERS["csv"](tmp_path / "as.csv", customers())
    path = tmp_path / "misleading.csv"  # the content tells the form, not the name
    WRITERS[key](path, customers())
    found = examine(path)
    assert found.settings.format == FORMS[key]
    assert read(path).names == list(TYPES)
    expected, got = (load(p, recipe("left", TYPES, positive="yes")) for p in (tmp_path / "as.csv", path))
    pd.testing.assert_frame_equal(expected.frame, got.frame)
    assert (expected.y == got.y).all()
    assert got.unparsed == {}


@pytest.mark.parametrize("key", FORMS)
def test_predicting_from_every_form_with_columns_in_another_order(tmp_path, key):
    new = customers().drop(columns="left").assign(more="x")[["zip", "more", "since", "city", "pay", "age"]]
    new["city"] = new["city"].replace("Odense, Fyn", "Ribe")  # a level never seen
    path = tmp_path / "new"
    WRITERS[key](path, new)
    told = recipe("left", TYPES) | {"read": ReadSettings(dates={"since": "ISO8601"}).as_dict()}
    (whole,) = load_features(path, told)
    pieces = list(load_features(path, told, chunksize=25))
    assert list(whole) == [name for name in TYPES if name != "left"]
    assert [len(piece) for piece in pieces] == [25, 25, 10]
    pd.testing.assert_frame_equal(pd.concat(pieces), whole)
    assert whole["pay"].isna().sum() == 1
    assert whole["zip"].iloc[0] == new["zip"].iloc[0]
    assert "Ribe" in set(whole["city"])
    WRITERS[key](tmp_path / "less", new.drop(columns=["pay", "zip"]))
    with pytest.raises(DataProblem, match=r"lacks 2 of the 5 columns .*'pay', 'zip'"):
        load_features(tmp_path / "less", told)
    WRITERS[key](tmp_path / "one", new.drop(columns="pay"))
    with pytest.raises(DataProblem, match="has no column 'pay'"):
        load_features(tmp_path / "one", told)


@pytest.mark.parametrize("key", [key for key in FORMS if key not in ("jsonl", "json")])  # these have no header
def test_no_rows_is_said_for_learning_and_for_predicting(tmp_path, key):
    path = tmp_path / "t"
    WRITERS[key](path, customers().head(0))
    with pytest.raises(DataProblem, match="but no rows: nothing to learn from"):
        read(path)
    for size in (None, 10):
        with pytest.raises(DataProblem, match="no rows: nothing to predict"):
            list(load_features(path, recipe("left", TYPES), size))


def test_an_empty_file_to_predict_from_speaks_of_no_learning(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"")
    with pytest.raises(DataProblem, match="is empty") as caught:
        list(load_features(tmp_path / "t.csv", recipe("left", TYPES)))
    assert "learn" not in str(caught.value)


@pytest.mark.parametrize("key", TYPED)
def test_the_guesses_name_the_form_first(tmp_path, key):
    WRITERS[key](tmp_path / "t", customers())
    raw = read(tmp_path / "t")
    assert (raw.guesses[0]["setting"], raw.guesses[0]["value"]) == ("format", FORMS[key])
    assert all(guess["count"] > 0 and guess["why"] for guess in raw.guesses)


@pytest.mark.parametrize("key", FORMS)
def test_the_profile_is_the_same_in_every_form_and_keeps_the_guesses(tmp_path, key):
    WRITERS["csv"](tmp_path / "as.csv", customers())
    WRITERS[key](tmp_path / "t", customers())
    expected, found = (profile({"read": None}, Context(tmp_path / name)) for name in ("as.csv", "t"))
    guesses = found["guesses"]
    assert json.loads(json.dumps(guesses)) == guesses
    assert {"dates"} <= {guess["setting"] for guess in guesses}
    for left_out in ("read", "bytes", "guesses"):
        del expected[left_out], found[left_out]
    assert found == expected


def test_dates_that_a_person_read_otherwise_stay_so(tmp_path):
    (tmp_path / "t.csv").write_text("day,n\n" + "".join(f"0{d}/02/2026,{d}\n" for d in range(1, 9)))
    first = profile({"read": None}, Context(tmp_path / "t.csv"))
    assert first["read"]["dates"] == {"day": "%m/%d/%Y"}
    told = overruled(first["read"], {"dates": {"day": "%d/%m/%Y"}})
    again = profile({"read": told}, Context(tmp_path / "t.csv"))
    assert again["read"]["dates"] == {"day": "%d/%m/%Y"}
    assert (again["columns"][0]["min"], again["columns"][0]["max"]) == (
        "2026-02-01T00:00:00.000000", "2026-02-08T00:00:00.000000",
    )  # fmt: skip


# -- properties --------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn", "Zl", "Zp"]), max_size=12).filter(
    lambda text: not text.startswith("=")  # which a workbook's writer takes for a formula
)
ROWS = st.fixed_dictionaries(
    {
        "n": st.integers(0, 10**6),
        "text": st.none() | TEXTS,
        "whole": st.none() | st.integers(-(10**14), 10**14),
        "real": st.none() | st.floats(-1e300, 1e300, allow_subnormal=False),
        "yes": st.none() | st.booleans(),
        "when": st.none() | st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2090, 1, 1)),
    }
)


def framed(rows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    whole_seconds = pd.to_datetime(frame["when"]).dt.floor("s").astype("datetime64[us]")
    return frame.assign(
        text=frame["text"].astype(object),
        whole=frame["whole"].astype("Int64"),
        real=frame["real"].astype("float64"),
        yes=frame["yes"].astype("boolean"),
        when=whole_seconds,
    )


@pytest.mark.parametrize("key", TYPED)
@SLOW
@given(rows=st.lists(ROWS, min_size=2, max_size=8))
def test_what_was_written_is_what_is_read(tmp_path, key, rows):
    frame, path = framed(rows), tmp_path / "t"
    path.unlink(missing_ok=True)
    WRITERS[key](path, frame)
    raw = read(path)
    if raw.names == list(frame):  # a header that looks like data is another test's matter
        wanted = [t.strip() if t is not None else None for t in frame["text"].where(frame["text"].notna(), None)]
        texts = [None if t is None or t.lower() in ALWAYS_MISSING else t for t in wanted]
        assert [None if t is None else t for t in raw.cells("text").to_pylist()] == texts
        assert np.array_equal(
            raw.numbers("whole")[0], frame["whole"].to_numpy("float64", na_value=np.nan), equal_nan=True
        )
        close = 1e-14 if key == "xlsx" else 0.0  # its writer keeps 16 digits
        np.testing.assert_allclose(raw.numbers("real")[0], frame["real"].to_numpy(), rtol=close)
        yes = [None if pd.isna(v) else str(bool(v)) for v in frame["yes"]]
        assert list(to_texts(raw.cells("yes"))) == yes
        assert np.array_equal(raw.dates("when")[0], frame["when"].to_numpy("datetime64[us]"), equal_nan=True)
        joined = [t for part in chunks(path, raw.settings, ["text"]) for t in part.cells("text").to_pylist()]
        assert joined == texts
    assert columns_of(path, raw.settings) == raw.names


MADE: dict[str, bytes] = {}


def made(key: str, folder: Path) -> bytes:
    if key not in MADE:
        WRITERS[key](folder / f"made-{key}", customers(20))
        MADE[key] = (folder / f"made-{key}").read_bytes()
    return MADE[key]


@pytest.mark.parametrize("key", FORMS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bytes_are_a_table_or_one_sentence(tmp_path, key, data):
    content = bytearray(made(key, tmp_path))
    if data.draw(st.booleans(), "cut off"):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 4), "changes")):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "t"
    path.write_bytes(content)
    sentence = trouble(path)
    assert sentence == "" or ("\n" not in sentence and str(path) in sentence and len(sentence) < 700)


def trouble(path: Path) -> str:
    """What is said of a file that cannot be read; "" for one that can, in all its cells."""
    try:
        raw = read(path)
    except DataProblem as problem:
        return str(problem)
    for name in raw.names:
        raw.numbers(name), raw.dates(name), raw.cells(name)
    return ""
