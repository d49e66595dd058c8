"""Real files are read as they are; each file that cannot be is refused in one sentence that helps."""

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.read import chunks, read, sniff
from engine.data.settings import ReadSettings
from engine.errors import DataProblem

ROWS = "age,city,pay\n31,Århus,1.5\n42,Odense,2.5\n53,Vejle,3.5\n"


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def problem(path: Path, settings: ReadSettings | None = None) -> str:
    with pytest.raises(DataProblem) as caught:
        read(path, settings)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found_with_quoted_separators_and_lines_inside(tmp_path, separator):
    row = separator.join(['"a; b, c\t| \n d"', "1", '"say ""hi"""'])
    head = separator.join(["text", "n", "said"])
    raw = read(written(tmp_path, head + "\n" + (row + "\n") * 5))
    assert raw.settings.separator == separator
    assert (raw.rows, raw.names, raw.bad_lines) == (5, ["text", "n", "said"], 0)
    assert raw.cells("text")[0].as_py() == "a; b, c\t| \n d"
    assert raw.cells("said")[4].as_py() == 'say "hi"'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_encoding_is_found(tmp_path, encoding):
    text = ROWS if encoding != "latin-1" else ROWS.replace("Odense", "x\x81y")  # a byte that cp1252 does not have
    raw = read(written(tmp_path, text.encode(encoding)))
    assert raw.settings.encoding == encoding
    assert raw.names == ["age", "city", "pay"]
    assert raw.cells("city")[0].as_py() == "Århus"
    assert bool(raw.warnings) == (encoding in ("cp1252", "latin-1"))  # and the person is told why


def test_an_odd_byte_far_down_is_seen(tmp_path):
    raw = read(written(tmp_path, b"a,b\n" + b"1,x\n" * 300_000 + b"2,caf\xe9\n"))
    assert raw.cells("b")[-1].as_py() == "café"
    assert raw.warnings == ["Read as cp1252: byte 0xE9 on line 300,002 is not UTF-8."]


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_compression_is_found_by_content_not_by_name(tmp_path, name, pack):
    path = written(tmp_path, pack(ROWS.encode()), "plain.csv")
    assert sniff(path).compression == name
    assert read(path).rows == 3
    assert "damaged" in problem(written(tmp_path, pack(ROWS.encode() * 50)[:-20], "cut.csv"))


def test_zip_with_one_file_is_read_and_with_two_is_not(tmp_path):
    def zipped(**files: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return out.getvalue()

    assert read(written(tmp_path, zipped(a=ROWS))).rows == 3
    assert "holds 2 files ('a', 'b')" in problem(written(tmp_path, zipped(a=ROWS, b=ROWS)))
    assert "Excel" in problem(written(tmp_path, zipped(**{"[Content_Types].xml": "", "xl/workbook.xml": ""})))


def test_decimal_comma(tmp_path):
    assert sniff(written(tmp_path, "a;b\n1,5;x\n2,25;y\n")).decimal == ","
    assert sniff(written(tmp_path, 'a,b\n"1,234",x\n"2,225",y\n')).decimal == "."
    assert sniff(written(tmp_path, 'a,b\n"1,5",x\n"2,25",y\n')).decimal == ","


def test_header_is_told_from_numbers(tmp_path):
    without = read(written(tmp_path, "5.1,3.5,setosa\n4.9,3.0,setosa\n6.2,2.9,virginica\n"))
    assert without.names == ["column 1", "column 2", "column 3"]
    assert without.rows == 3
    assert "no header" in without.warnings[0]
    assert read(written(tmp_path, "0,1,2\n5,6,7\n8,9,1\n")).rows == 2  # counted columns are names
    assert read(written(tmp_path, "2019,2020\n5,6\n8,9\n")).rows == 2  # so are years


def test_single_quotes_old_line_ends_and_blank_lines(tmp_path):
    assert read(written(tmp_path, "a,b\n'x, y',1\n'z',2\n'q',3\n")).cells("a")[0].as_py() == "x, y"
    assert read(written(tmp_path, "a,b\r1,2\r3,4\r")).rows == 2
    assert read(written(tmp_path, "a,b\r\n1,2\r\n\r\n3,4")).rows == 2


def test_markup_escapes_and_line_ends_in_names_and_cells_stay_literal(tmp_path):
    raw = read(written(tmp_path, '"[red]x[/]","a\nb",\x1b[31mz\n[bold],"1\n2",\x1b]0;t\x07\n[bold],3,4\n'))
    assert raw.names == ["[red]x[/]", "a\nb", "\x1b[31mz"]
    assert raw.cells("a\nb")[0].as_py() == "1\n2"
    with pytest.raises(DataProblem) as caught:
        raw.cells("nothing")
    assert "\x1b" not in str(caught.value)
    assert "'a\\nb'" in str(caught.value)


def test_names_are_stripped_and_nameless_columns_get_their_place(tmp_path):
    raw = read(written(tmp_path, ", age ,\n0,1,x\n1,2,y\n"))
    assert raw.names == ["column 1", "age", "column 3"]
    assert "2 of 3 columns have no name" in raw.warnings[0]


def test_duplicate_names_are_refused(tmp_path):
    sentence = problem(written(tmp_path, "a,b,a,a\n1,2,3,4\n5,6,7,8\n"))
    assert "3 columns are called 'a', number 1 and 3" in sentence


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b" \n\n \n", "is empty"),
        (b"a,b,c\n", "header ('a', 'b', 'c') but no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b'{\n  "a": [1, 2],\n  "b": 3\n}', "JSON"),
        (b'[["a", 1], ["b", 2]]', "JSON"),
        (b'[{"a": 1}, {"a": 2', "JSON"),
        (b"[]", "JSON"),
        (b"<!DOCTYPE html><html><body>1,2</body></html>", "web"),
        (b'<?xml version="1.0"?>\n<a/>', "XML"),
        (bytes(range(1, 256)) * 20, "binary"),
        (b"SQLite format 3\0" + bytes(100), "SQLite"),
        (b"PAR1" + bytes(100), "Parquet"),
        (b"Once upon a time\nthere was a text\nwithout columns\n", "one column only"),
        (b"Dear all, hello\nthis is\na letter\nof many\nlines that\nhas no\ncolumns\nat all\n", "not a table"),
        (b"a,b\n1,x\n2,y\x00z\n3,w\n", "NUL bytes, first on line 3"),
        (b'a,b\n1,x\n2,"y\n3,z\n4,w\n', "quote is opened and never closed"),
        (b"a,b\n" + b"1,2,\n" * 30, "not a table"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, content, says):
    assert says in problem(written(tmp_path, content))


def test_missing_folder_and_forbidden(tmp_path):
    assert "There is no file" in problem(tmp_path / "none.csv")
    assert "is a folder" in problem(tmp_path)
    assert "cannot be read" in problem(tmp_path / ("n" * 300))
    path = written(tmp_path, ROWS)
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read everything: be nobody for a moment
    try:
        assert "may not be read by you" in problem(path)
    finally:
        os.seteuid(user)


def test_wrong_encoding_said_by_a_person_is_named_with_line_and_byte(tmp_path):
    path = written(tmp_path, ROWS.encode("cp1252"))
    sentence = problem(path, ReadSettings(encoding="utf-8"))
    assert "byte 0xC5 on line 2" in sentence
    assert "cp1252" in sentence
    assert "not written in utf-16" in problem(written(tmp_path, "a,b\n1,2\n3,4\n5"), ReadSettings(encoding="utf-16"))
    with pytest.raises(DataProblem, match="no encoding called"):
        ReadSettings.from_dict({"encoding": "klingon"})


def test_ragged_lines_are_counted_and_said(tmp_path):
    raw = read(written(tmp_path, "a,b\n" + "1,2\n" * 997 + "1,2,3\n1\n" + "5,6\n"))
    assert (raw.rows, raw.bad_lines) == (998, 2)
    assert "2 of 1,000 lines are left out" in raw.warnings[0]
    few = read(written(tmp_path, "a,b\n" + "1,2\n" * 3000 + "1,2,3\n"))
    assert (few.bad_lines, few.warnings) == (1, [])  # not above 0.1 %: counted, not said
    assert few.bad_examples[0].text == "1,2,3"


def test_chunks_refuse_a_ragged_line_with_its_number(tmp_path):
    path = written(tmp_path, "a,b\n" + "1,2\n" * 5 + "1,2,3\n")
    with pytest.raises(DataProblem, match=r"row 7 \(the header is row 1\) has 3 cells, the header 2"):
        list(chunks(path, sniff(path), ["a", "b"]))


def test_a_huge_line_is_refused_and_a_long_cell_is_read(tmp_path):
    assert "line of 70 MB" in problem(written(tmp_path, b"a,b\n" + b"1," * 35_000_000 + b"\n"))
    long = read(written(tmp_path, b'a,b\n1,"' + b"word \n" * 2_000_000 + b'"\n2,x\n'))
    assert long.rows == 2


def test_ten_thousand_columns(tmp_path):
    names = ",".join(f"c{i}" for i in range(10_000))
    raw = read(written(tmp_path, names + "\n" + (",".join(["1"] * 10_000) + "\n") * 30))
    assert (len(raw.names), raw.rows) == (10_000, 30)


def test_settings_survive_json():
    settings = ReadSettings(
        ";",
        "cp1252",
        ",",
        "'",
        "gzip",
        False,
        {"d": "%d.%m.%Y"},
        thousands=".",
        skip=2,
        missing=("n.v.",),
        blanks=False,
    )
    assert ReadSettings.from_dict(json.loads(json.dumps(settings.as_dict() | {"newer": 1}))) == settings


def test_unknown_column_names_the_closest(tmp_path):
    path = written(tmp_path, "customerID,Churn\n1,2\n3,4\n")
    with pytest.raises(DataProblem, match="no column 'churned': did you mean 'Churn'"):
        read(path, columns=["churned"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(
    st.binary(max_size=200), st.text(alphabet='ab1,;\t|\n\r" \'é', max_size=200), st.text(max_size=100),
))  # fmt: skip
def test_whatever_the_bytes_it_is_a_table_or_one_sentence(tmp_path, content):
    path = written(tmp_path, content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    try:
        raw = read(path)
    except DataProblem:
        problem(path)  # which holds the sentence to its form
    else:
        assert raw.rows >= 1
        assert len(raw.frame()) == raw.rows


def test_real_files(shared_data):
    for folder in sorted(shared_data.iterdir()):
        task = json.loads((folder / "task.json").read_text())
        raw = read(next(folder.glob("train.csv*")))
        assert (raw.rows, len(raw.names), raw.bad_lines) == (task["train_rows"], task["columns"], 0), folder.name
        assert raw.warnings == []


def test_bytes_marks_are_no_part_of_a_name(tmp_path):
    assert read(written(tmp_path, codecs.BOM_UTF8 + b"a,b\n1,2\n3,4\n")).names == ["a", "b"]
