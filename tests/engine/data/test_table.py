"""A recipe turns a file into typed columns, labels, groups and times; new files are cleaned the same way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.data.read import sniff
from engine.data.table import load, load_features, row_hashes
from engine.errors import DataProblem

CSV = """id,age,kind,paid,when,pay,y
a, 31 ,x,yes,2024-01-03, 1.5,no
b,?, y ,no,2024-01-02,n/a,yes
a,53,,yes,2024-01-01,inf,no
c,1e2,1.0,No answer,not a date,"1,250.5",yes
d,999,1,yes,2024-02-01,-,
e,7,x,no,,3,no
"""
TYPES = {"age": "number", "kind": "category", "paid": "yes_no", "when": "date", "pay": "number"}


def recipe(**more) -> dict:
    return {
        "target": "y", "task": "binary", "positive": "yes", "types": TYPES, "keep_together": True,
        "marks": {"age": ["?", "999"]}, **more,
    }  # fmt: skip


@pytest.fixture
def path(tmp_path) -> Path:
    return written(tmp_path, CSV)


def written(folder: Path, text: str, name: str = "t.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_columns_are_typed_and_unlabelled_rows_left_out(path):
    table = load(path, recipe(group="id", time="when"))
    assert list(table.frame) == list(TYPES)
    assert table.rows.tolist() == [0, 1, 2, 3, 5]
    assert (table.labels, table.y.tolist(), table.unlabelled) == (["no", "yes"], [0, 1, 0, 1, 0], 1)
    np.testing.assert_equal(table.frame["age"].to_numpy(), [31, np.nan, 53, 100, 7])
    np.testing.assert_equal(table.frame["pay"].to_numpy(), [1.5, np.nan, np.nan, 1250.5, 3])
    assert table.frame["kind"].tolist() == ["x", "y", None, "1", "x"]  # 1.0 and 1 are one level
    assert table.frame["paid"].dtype == object
    assert table.frame["when"].dtype == np.dtype("datetime64[us]")
    assert table.frame["when"].isna().tolist() == [False, False, False, True, True]
    assert table.unparsed == {"pay": {"inf": 1, "-": 1}, "when": {"not a date": 1}}
    assert table.groups is not None
    assert table.groups[0] == table.groups[2] != table.groups[1]
    assert table.times is not None
    assert table.times[2] < table.times[1] < table.times[0]
    assert np.isneginf(table.times[3])


def test_only_listed_columns_are_inputs_and_the_target_never_is(path):
    assert list(load(path, recipe(types={"pay": "number", "y": "category", "age": "number"})).frame) == ["pay", "age"]


def test_the_same_recipe_is_loaded_once_and_a_changed_file_again(path):
    first = load(path, recipe())
    assert load(path, recipe(metric="roc_auc")) is first  # a part that changes no value
    assert load(path, recipe(positive="no")) is not first
    path.write_text(CSV + "f,1,x,no,,3,yes\n")
    assert len(load(path, recipe())) == len(first) + 1


def test_rows_without_a_group_stand_alone(tmp_path):
    path = written(tmp_path, "g,x,y\na,1,n\n,2,y\n,3,n\na,4,y\n")
    groups = load(path, recipe(types={"x": "number"}, group="g", positive="y")).groups
    assert groups is not None
    assert groups[0] == groups[3]
    assert len(set(groups.tolist())) == 3


@pytest.mark.parametrize(
    ("rows", "task", "says"),
    [
        ("1,a\n2,a\n3,a\n4,a\n", "binary", "'a' in all 4 labelled rows"),
        ("1,\n2, \n3,na\n4,NaN\n", "binary", "is empty in all 4 rows"),
        ("1,\n2, \n3,na\n4,NaN\n", "regression", "is empty in all 4 rows"),
        ("1,a\n", "binary", "one row only"),
        ("1,a\n2,b\n3,\n", "binary", "2 labelled rows: too few"),
        ("1,a\n2,b\n3,c\n4,a\n", "binary", "3 classes ('a', 'b', 'c'), not two"),
        ("1,5\n2,5.0\n3,5\n4,5\n", "regression", "is 5 in all 4 labelled rows"),
        ("1,low\n2,high\n3,1\n4,2\n", "regression", "holds texts such as 'low', 'high'"),
        ("".join(f"{i},t{i}\n" for i in range(200)), "multiclass", "200 different values in 200 rows"),
    ],
)
def test_targets_that_cannot_be_learned_are_refused(tmp_path, rows, task, says):
    path = written(tmp_path, "x,y\n" + rows)
    with pytest.raises(DataProblem) as caught:
        load(path, {"target": "y", "task": task, "types": {"x": "number"}})
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_target_names_the_closest_column(path):
    with pytest.raises(DataProblem, match="no column 'Pays': did you mean 'pay'"):
        load(path, recipe(target="Pays"))
    with pytest.raises(DataProblem, match="no class 'maybe' to find; its classes are 'no', 'yes'"):
        load(path, recipe(positive="maybe"))


def test_positive_label_is_guessed_when_nobody_said(tmp_path):
    for labels, expected in (("yes no no", "yes"), ("0 1 1", "1"), ("good bad bad", "bad"), ("a b b", "a")):
        low = labels.split() * 3
        path = written(tmp_path, "x,y\n" + "".join(f"{i},{v}\n" for i, v in enumerate(low)), f"{expected}.csv")
        assert load(path, recipe(types={"x": "number"}, positive=None)).labels[1] == expected


def test_labels_of_many_classes_are_in_reading_order(tmp_path):
    path = written(tmp_path, "x,y\n1,10\n2,9\n3,2.0\n4,10\n5,2\n")
    table = load(path, {"target": "y", "task": "multiclass", "types": {"x": "number"}})
    assert table.labels == ["2", "9", "10"]
    assert table.y.tolist() == [2, 1, 0, 2, 0]


def test_decimal_comma_and_thousands(tmp_path):
    path = written(tmp_path, "x;d;y\n1,5;31.12.2024;a\n1.250,75;01.02.2024;b\n-3;02.02.2024;a\n+4,25;;b\n")
    types = {"x": "number", "d": "date"}
    table = load(path, {"target": "y", "task": "binary", "types": types, "read": sniff(path).as_dict()})
    assert table.frame["x"].tolist() == [1.5, 1250.75, -3.0, 4.25]
    assert table.frame["d"].iloc[0] == pd.Timestamp("2024-12-31")
    assert table.frame["d"].iloc[1] == pd.Timestamp("2024-02-01")


def test_cells_of_new_files_that_do_not_fit_are_counted(tmp_path):
    path = written(tmp_path, "x,w\n1,a\nfew,b\n,c\nmany,a\n")
    for size in (None, 2):
        unread: dict[str, int] = {}
        frames = list(load_features(path, {"target": "y", "types": {"x": "number", "w": "category"}}, size, unread))
        assert sum(map(len, frames)) == 4
        assert unread == {"x": 2}


def test_equal_rows_have_equal_hashes():
    frame = pd.DataFrame(
        {"a": [0.0, -0.0, np.nan, np.nan, 1], "b": pd.Series(["x", "x", None, None, "x"], dtype=object)}
    )
    hashes = row_hashes(frame)
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
    assert len(set(hashes.tolist())) == 3
    assert row_hashes(frame.iloc[::-1])[0] == hashes[4]  # whatever else is in the table


# ── new files ──


def test_new_files_may_be_reordered_have_more_columns_and_no_target(path, tmp_path):
    train = load(path, recipe()).frame
    new = written(tmp_path, "extra;when;pay;paid;kind;age\n1;2024-01-03;1.5;yes;x;31\n2;;?;maybe;neu;999\n", "new.csv")
    (frame,) = load_features(new, recipe())
    assert list(frame) == list(train)
    assert [str(d) for d in frame.dtypes] == [str(d) for d in train.dtypes]
    assert frame.iloc[0].tolist() == train.iloc[0].tolist()
    assert frame["kind"].tolist() == ["x", "neu"]  # a level never seen stays what it is
    assert np.isnan(frame["age"].iloc[1])


def test_missing_input_columns_are_named_before_anything_is_read(tmp_path):
    new = written(tmp_path, "Age,kind,paid\n1,x,no\n", "new.csv")
    with pytest.raises(
        DataProblem, match=r"lacks 3 of the 5 columns that the model was trained with: 'age', 'when', 'pay'"
    ):
        load_features(new, recipe())
    new = written(tmp_path, "Age,kind,paid,when,pay\n1,x,no,,2\n", "new.csv")
    with pytest.raises(DataProblem, match=r"no column 'age': did you mean 'Age'"):
        load_features(new, recipe())


def test_pieces_are_what_the_whole_is(tmp_path):
    lines = "".join(f"{i},lev {i % 7},yes,2024-01-{1 + i % 28:02d},{i / 3:.3f},no\n" for i in range(1000))
    path = written(tmp_path, "age,kind,paid,when,pay,y\n" + lines)
    (whole,) = load_features(path, recipe())
    pieces = list(load_features(path, recipe(), chunksize=300))
    assert [len(piece) for piece in pieces] == [300, 300, 300, 100]
    pd.testing.assert_frame_equal(pd.concat(pieces), whole)


def test_a_ragged_line_stops_prediction_rather_than_shift_it(tmp_path):
    path = written(tmp_path, "age,kind,paid,when,pay\n1,x,no,,2\n1,x,no,,2,9\n2,x,no,,2\n1,x,no,,2\n")
    for size in (None, 2):
        with pytest.raises(DataProblem, match="has 6 cells, the header 5"):
            list(load_features(path, recipe(), chunksize=size))


def test_the_date_format_of_training_holds_for_new_files(tmp_path):
    new = written(tmp_path, "age,kind,paid,when,pay\n1,x,no,03/04/2024,2\n", "new.csv")
    (frame,) = load_features(new, recipe(read={"dates": {"when": "%d/%m/%Y"}}))
    assert frame["when"].iloc[0] == pd.Timestamp("2024-04-03")


def test_telco_total_charges_and_adult_blanks(shared_data):
    telco = load(
        shared_data / "telco" / "train.csv",
        {
            "target": "Churn",
            "task": "binary",
            "positive": "Yes",
            "types": {"TotalCharges": "number", "tenure": "number"},
        },
    )
    empty = telco.frame["TotalCharges"].isna()
    assert empty.sum() == 8
    assert (telco.frame["tenure"][empty] == 0).all()
    assert telco.unparsed == {}
    adult = load(
        shared_data / "adult" / "train.csv",
        {"target": "income", "task": "binary", "positive": ">50K", "types": {"workclass": "category", "age": "number"},
         "marks": {"workclass": ["?"]}},
    )  # fmt: skip
    assert adult.labels == ["<=50K", ">50K"]
    assert adult.frame["workclass"].iloc[0] == "State-gov"
    assert adult.frame["workclass"].isna().sum() == 1836
