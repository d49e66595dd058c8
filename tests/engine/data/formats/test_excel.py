"""Workbooks: the sheet and the header are found, can be overruled, and what cannot be read is said."""

from __future__ import annotations

import datetime as dt
import zipfile

import openpyxl
import pandas as pd
import pytest

from engine.data.read import examine, read
from engine.data.settings import ReadSettings
from engine.data.table import load_features
from engine.errors import DataProblem
from tests.engine.data.formats.writers import excel

FRAME = pd.DataFrame({"age": [31, 42, 53], "city": ["Århus", "Odense", "Vejle"], "pay": [1.5, None, 3.25]})


def guessed(path, setting):
    return next((g for g in read(path).guesses if g["setting"] == setting), None)


def test_the_largest_sheet_is_read_and_another_can_be_named(tmp_path):
    path = tmp_path / "t.xlsx"
    excel(path, FRAME, sheets={"notes": [["written by", "Ida"], ["on", "Monday"]]})
    raw = read(path)
    assert (raw.names, raw.rows, raw.settings.sheet) == (["age", "city", "pay"], 3, "the data")
    assert (
        "the largest of 2 sheets, with 4 rows × 3 columns; the others are 'notes' (2 × 2)"
        in guessed(path, "sheet")["why"]
    )
    other = read(path, ReadSettings(format="excel", sheet="NOTES"))
    assert (other.names, other.rows) == (["written by", "Ida"], 1)
    with pytest.raises(DataProblem, match="no sheet 'note': did you mean 'notes'"):
        read(path, ReadSettings(format="excel", sheet="note"))


def test_a_hidden_sheet_is_read_only_when_named(tmp_path):
    path = tmp_path / "t.xlsx"
    excel(path, FRAME.head(1), sheets={"codes": [["a", "b"], *[[i, i] for i in range(50)]]})
    book = openpyxl.load_workbook(path)
    book["codes"].sheet_state = "hidden"
    book.save(path)
    assert read(path).rows == 1
    assert read(path, ReadSettings(format="excel", sheet="codes")).rows == 50


def test_rows_above_the_header_are_left_out_and_can_be_overruled(tmp_path):
    path = tmp_path / "t.xlsx"
    excel(path, FRAME, before=3)
    raw = read(path)
    assert (raw.settings.skip, raw.names, raw.rows) == (3, ["age", "city", "pay"], 3)
    assert guessed(path, "skip")["count"] == 3
    assert read(path, ReadSettings(format="excel", skip=4)).names == ["31", "Århus", "1.5"]
    assert read(path, ReadSettings(format="excel", skip=3, header=False)).rows == 4


def test_blank_rows_columns_before_the_table_and_cells_of_each_kind(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["B2"], sheet["C2"], sheet["D2"], sheet["E2"], sheet["F2"] = "when", "at", "ok", "mixed", "long"
    sheet["B3"], sheet["C3"], sheet["D3"], sheet["E3"] = dt.datetime(2026, 1, 2), dt.time(8, 30), True, "a"
    sheet["B5"], sheet["C5"], sheet["D5"], sheet["E5"] = dt.datetime(2026, 1, 2, 8, 30), dt.time(9), False, 1.0
    sheet["F5"] = 123456789012345
    book.save(tmp_path / "t.xlsx")
    raw = read(tmp_path / "t.xlsx")
    assert raw.names == ["when", "at", "ok", "mixed", "long"]
    assert raw.cells("when").to_pylist() == ["2026-01-02", "2026-01-02 08:30:00"]
    assert raw.cells("at").to_pylist() == ["08:30:00", "09:00:00"]
    assert raw.cells("ok").to_pylist() == ["True", "False"]
    assert raw.cells("mixed").to_pylist() == ["a", "1"]
    assert raw.cells("long").to_pylist() == [None, "123456789012345"]


def test_a_decimal_comma_in_texts_goes_with_real_numbers(tmp_path):
    frame = pd.DataFrame(
        {"n": ["12,5", "3,25", "1.234,5", "0,75"], "x": [1.234, 2.5, 3.0, 4.75], "m": ["1,5", 1.234, 2, "x"]}
    )
    excel(tmp_path / "t.xlsx", frame)
    raw = read(tmp_path / "t.xlsx")
    assert (raw.settings.decimal, raw.settings.thousands) == (",", ".")
    assert list(raw.numbers("n")[0]) == [12.5, 3.25, 1234.5, 0.75]
    assert list(raw.numbers("x")[0]) == [1.234, 2.5, 3.0, 4.75]
    assert list(raw.numbers("m")[0][:3]) == [1.5, 1.234, 2.0]


def test_predicting_takes_the_sheet_that_training_had(tmp_path):
    path = tmp_path / "t.xlsx"
    excel(path, FRAME, sheets={"more": [["age", "city", "pay", "z"], *[[i, "x", 2, 3] for i in range(9)]]})
    told = {
        "target": "pay",
        "types": {"age": "number"},
        "read": ReadSettings(format="excel", sheet="the data").as_dict(),
    }
    (frame,) = load_features(path, told)
    assert list(frame["age"]) == [31, 42, 53]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le"), "by a password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "Workbook".encode("utf-16-le"), "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "old Office document"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, content, says):
    (tmp_path / "t.xls").write_bytes(content)
    with pytest.raises(DataProblem, match=says):
        read(tmp_path / "t.xls")


def test_empty_sheets_and_other_office_files_are_refused(tmp_path):
    book = openpyxl.Workbook()
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataProblem, match="sheets are empty"):
        read(tmp_path / "t.xlsx")
    with zipfile.ZipFile(tmp_path / "t.docx", "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("word/document.xml", "x")
    with pytest.raises(DataProblem, match="an Office document, not a table"):
        read(tmp_path / "t.docx")


def test_a_workbook_made_to_fill_the_machine_is_not_unpacked(tmp_path):
    excel(tmp_path / "t.xlsx", FRAME)
    with (
        zipfile.ZipFile(tmp_path / "t.xlsx", "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/more.xml", "w") as part,
    ):
        for _ in range(300):
            part.write(bytes(1 << 20))
    with pytest.raises(DataProblem, match=r"unpacks to 0\.3 GB"):
        examine(tmp_path / "t.xlsx")
