"""The model as SQL says what the model says, in SQLite and DuckDB, whatever the preparation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.errors import DataProblem, UsageProblem
from engine.export.model.common import furthest, inputs, leaves, read_rows, said_of
from engine.export.model.terms import NoForm, hold_against
from engine.models.catalogue import as_model
from tests.engine.export.leaving import EVERYTHING, ended
from tests.engine.tables import customers

sqlglot = pytest.importorskip("sqlglot")

from engine.export.model.sql.file import in_duckdb, in_sqlite, parts_of, sql  # noqa: E402
from engine.export.model.sql.models import exact_cut  # noqa: E402
from engine.export.model.sql.statement import DIALECTS, statement, text_of_sql  # noqa: E402

PREPARATIONS = {
    "plain": {},
    "indicator off": {"numbers": {"indicator": False, "scale": "robust"}},
    "squash": {"numbers": {"scale": "squash"}},
    "bent and clipped": {"numbers": {"skew": "power", "clip": 0.01}},
    "bins": {"numbers": {"bins": ["income"]}},
    "target": {"categories": {"encode": "target", "rare": 5}},
    "ordinal": {"categories": {"encode": "ordinal"}},
    "ordered": {"categories": {"ordered": {"plan": ["basic", "gold, with extras", "[red]pro"]}}},
    "chosen": {"select": 4},
}
RULES = {
    "rules": [{"when": "age > 60 AND plan = 'basic'", "then": "stay"}, {"when": "income IS NULL", "then": "leave"}]
}
MODELS = [
    ("logistic", "binary"), ("logistic", "multiclass"), ("ridge", "regression"), ("sparse_logistic", "multiclass"),
    ("linear_svm", "binary"), ("linear_svm", "multiclass"), ("lasso", "regression"), ("tree", "binary"),
    ("tree", "multiclass"), ("tree", "regression"), ("prior", "binary"), ("most_frequent", "multiclass"),
    ("mean", "regression"), ("median", "regression"), ("one_column", "binary"), ("one_column", "multiclass"),
    ("one_column", "regression"), ("cheapest", "binary"),
]  # fmt: skip


def compared(dossier, artifact) -> float:
    """The largest difference in both databases, in rows of the file."""
    rows = read_rows(dossier, artifact.recipe)
    frame = inputs(rows, artifact.recipe)
    for part in leaves(artifact.fitted):
        hold_against(part, frame)
    wanted = said_of(artifact, frame)
    select = statement(artifact, 'the "table"')
    found = [
        furthest(run(text_of_sql(select, name), rows, 'the "table"').loc[:, list(wanted.columns)], wanted, name, 1e-9)
        for name, run in (("sqlite", in_sqlite), ("duckdb", in_duckdb))
    ]
    return max(found)


@pytest.mark.parametrize(("model", "task"), MODELS, ids=[f"{m}-{t}" for m, t in MODELS])
def test_each_model_with_an_sql_form(model, task, tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240, task=task), model, task, **EVERYTHING)
    assert compared(dossier, artifact) <= 1e-9


@pytest.mark.parametrize("prepare", PREPARATIONS.values(), ids=PREPARATIONS)
@pytest.mark.parametrize("model", ["logistic", "tree"])
def test_each_preparation(model, prepare, tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), model, prepare=prepare)
    assert compared(dossier, artifact) <= 1e-9


def test_a_single_column_of_levels(tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), "one_column", types={"plan": "category"})
    assert artifact.fitted.estimator.levels_
    assert compared(dossier, artifact) <= 1e-9


def test_a_logarithm_is_turned_back(tmp_path):
    dossier, artifact = ended(
        customers(tmp_path / "t.csv", 240, task="regression"), "ridge", "regression", prepare={"target": "log1p"}
    )
    assert artifact.fitted.most is not None
    assert compared(dossier, artifact) <= 1e-9


def test_a_rule_is_a_case(tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), as_model("rule", RULES), **EVERYTHING)
    assert compared(dossier, artifact) <= 1e-12


@pytest.mark.parametrize("name", ["average", "tuned", "calibrated"])
def test_models_made_of_others(name, tmp_path):
    from engine.models.catalogue import BY_NAME

    if name not in BY_NAME:
        pytest.skip(f"{name} is not among the models yet")
    of = [as_model(part) for part in ("logistic", "tree")[: BY_NAME[name].members[0]]]
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), as_model(name, {"of": of}))
    assert compared(dossier, artifact) <= 1e-9


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_each_way_to_calibrate(method, tmp_path):
    from engine.models.calibrators import Calibrated
    from engine.models.composed import Composed

    path = customers(tmp_path / "t.csv", 240)
    dossier, artifact = ended(path, "logistic")
    inner = artifact.fitted
    head = {
        "sigmoid": Calibrated("sigmoid", a=0.3, b=1.4),
        "isotonic": Calibrated("isotonic", xs=(0.1, 0.4, 0.8), ys=(0.05, 0.3, 0.95)),
        "temperature": Calibrated("temperature", b=0.6),
    }[method]
    made = Composed(
        inner.spec, inner.settings, inner.task, inner.labels, inner.columns, None, None, parts=[inner], head=head
    )
    assert compared(dossier, replace(artifact, fitted=made)) <= 1e-9


@pytest.mark.parametrize(
    ("model", "types"),
    [("boosting", {}), ("stratified", {}), ("logistic", {"age": "number", "note": "text"}),
     ("logistic", {"age": "number", "since": "date"})],
)  # fmt: skip
def test_what_has_no_sql_form_is_said_in_a_sentence(model, types, tmp_path):
    _, artifact = ended(customers(tmp_path / "t.csv", 240), model, **({"types": types} if types else {}))
    with pytest.raises(NoForm, match=r"take --to|Take --to"):
        statement(artifact, "t")


def test_the_file_says_what_it_reads_and_what_was_checked(tmp_path):
    dossier, _ = ended(customers(tmp_path / "t.csv", 240), "logistic")
    for dialect in DIALECTS:
        product = sql(replace(dossier, options={"dialect": dialect, "table": "people"}))
        told = product.text or ""
        assert DIALECTS[dialect] in told
        assert "Logistic regression" in told
        assert ("`people`" if dialect == "bigquery" else '"people"') in told
        assert sqlglot.parse_one(told, read=dialect)
        assert any("DuckDB, 240 rows of the session: largest difference" in line for line in product.said)
    assert 'FROM "t"' in (sql(dossier).text or "")
    with pytest.raises(UsageProblem, match="there is sqlite, postgres, duckdb, bigquery"):
        sql(replace(dossier, options={"dialect": "oracle"}))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("scale", ["squash", "robust", "standard"])
def test_what_is_used_twice_has_a_name_and_stands_once(dialect, scale, tmp_path):
    prepare = {"numbers": {"scale": scale, "skew": "power" if scale == "standard" else "off", "clip": 0.01}}
    _, artifact = ended(customers(tmp_path / "t.csv", 240), "logistic", prepare=prepare)
    told = text_of_sql(statement(artifact, "t"), dialect)
    assert sqlglot.parse_one(told, read=dialect)
    assert told.count("COALESCE(") == 2  # one for each column of numbers
    assert "log_odds" in told
    assert ("…_held: extremes are drawn in" in told) == (scale == "standard")
    assert ("…_squashed: bent smoothly" in told) == (scale == "squash")
    assert max(map(len, told.splitlines())) < 260


def test_a_step_is_not_called_like_the_table(tmp_path):
    dossier, artifact = ended(customers(tmp_path / "t.csv", 240), "logistic", prepare=PREPARATIONS["squash"])
    rows = read_rows(dossier, artifact.recipe)
    wanted = said_of(artifact, inputs(rows, artifact.recipe))
    for table in ("prepared", "LOG_ODDS", "chances"):
        found = in_sqlite(text_of_sql(statement(artifact, table), "sqlite"), rows, table)
        assert furthest(found.loc[:, list(wanted.columns)], wanted, "SQLite", 1e-9) <= 1e-9


@pytest.mark.parametrize(
    ("table", "wanted"),
    [("people", '"people"'), ("shop.people", '"shop"."people"'), ('"shop.people"', '"shop.people"'),
     ('a.b."c.d"', '"a"."b"."c.d"')],
)  # fmt: skip
def test_a_table_may_lie_in_a_schema(table, wanted, tmp_path):
    dossier, _ = ended(customers(tmp_path / "t.csv", 240), "logistic")
    told = sql(replace(dossier, options={"dialect": "postgres", "table": table})).text or ""
    assert f"FROM {wanted}" in told


@pytest.mark.parametrize("table", ["", ".", "a.", "a..b", "a.b.c.d", 'a"b'])
def test_what_is_no_name_of_a_table_is_refused(table):
    with pytest.raises(UsageProblem, match="is no name of a table"):
        parts_of(table)


def test_names_of_columns_and_labels_cannot_break_out(tmp_path):
    path = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    a = rng.normal(size=120)
    evil = 'x"; drop table t; --'
    frame = pd.DataFrame({evil: a, "leaf": rng.choice(["it's", 'q"q'], 120), "target": np.where(a > 0, "o'k", "n;o")})
    frame.to_csv(path, index=False)
    for model in ("logistic", "tree"):
        dossier, artifact = ended(path, model, types={evil: "number", "leaf": "yes_no"}, positive="o'k")
        assert compared(dossier, artifact) <= 1e-9


def test_a_statement_that_says_something_else_does_not_leave(tmp_path):
    wanted = pd.DataFrame({"proba_a": [0.2], "proba_b": [0.8], "prediction": ["b"]})
    with pytest.raises(DataProblem, match=r"up to 0\.1"):
        furthest(wanted.assign(proba_a=0.3), wanted, "SQLite", 1e-6)
    with pytest.raises(DataProblem, match="another class than the model for 1 rows"):
        furthest(wanted.assign(prediction="a"), wanted, "SQLite", 1e-6)
    assert furthest(wanted, wanted, "SQLite", 0.0) == 0.0


def test_a_cut_parts_doubles_as_the_tree_parts_32_bit_numbers():
    rng = np.random.default_rng(0)
    for cut in rng.normal(0, 100, 50):
        moved = exact_cut(float(cut))
        near = np.concatenate([cut + cut * rng.normal(0, 1e-7, 200), [moved, np.nextafter(moved, np.inf)]])
        assert ((near.astype(np.float32) <= cut) == (near <= moved)).all()
    assert exact_cut(16.5) == 16.5


@pytest.mark.parametrize(("true", "false"), [("True", "False"), ("TRUE", "FALSE")])
def test_truth_values_are_read_however_a_database_keeps_them(true, false, tmp_path):
    """A file says True; loaded into a database the column is of truth values, written true there, and 1 in SQLite."""
    import sqlite3

    import duckdb

    path = customers(tmp_path / "t.csv")
    frame = pd.read_csv(path)
    frame["member"] = frame["member"].map({"yes": true, "no": false})
    frame.to_csv(path, index=False)
    dossier, artifact = ended(path, "logistic")
    wanted = said_of(artifact, inputs(read_rows(dossier, artifact.recipe), artifact.recipe))
    query = text_of_sql(statement(artifact, "t"), "duckdb")
    with duckdb.connect() as con:
        con.execute(f"create table t as select * from read_csv('{path}')")  # finds BOOLEAN by itself
        assert ("member", "BOOLEAN") in [row[:2] for row in con.execute("describe t").fetchall()]
        told = con.execute(query).df()
    assert np.allclose(told["proba_leave"], wanted["proba_leave"], atol=1e-9)
    with sqlite3.connect(":memory:") as con:
        kept = frame.assign(member=frame["member"].map({true: 1, false: 0}).astype("Int64"))
        kept.to_sql("t", con, index=False)
        told = pd.read_sql_query(text_of_sql(statement(artifact, "t"), "sqlite"), con)
    assert np.allclose(told["proba_leave"], wanted["proba_leave"], atol=1e-9)
