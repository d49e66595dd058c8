"""How a text table is written is found, with evidence; a guess that is none is not made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.read import read, sniff
from engine.data.settings import ReadSettings
from engine.data.sniffing import notation
from engine.errors import DataProblem


def written(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def guess(path, setting):
    return next((g for g in read(path).guesses if g["setting"] == setting), None)


@pytest.mark.parametrize("separator", ["^", "~", "\x01", "\x1f", "!", "#", ":", " "])
def test_any_single_sign_that_parts_every_line_alike(tmp_path, separator):
    rows = [
        ["name", "pay", "town"],
        *[[f"n{i}", str(i * 1.5), "Århus, DK" if separator != " " else "Århus"] for i in range(9)],
    ]
    raw = read(written(tmp_path, "\n".join(separator.join(row) for row in rows) + "\n"))
    assert raw.settings.separator == separator
    assert (raw.names, raw.rows) == (["name", "pay", "town"], 9)
    assert guess(raw.path, "separator")["count"] == 10


def test_a_list_of_times_or_sentences_is_no_table(tmp_path):
    for text in ("time\n12:30\n13:45\n14:00\n15:10\n", "a b\nc d\ne f\ng h\n", "12:30\n13:45\n14:00\n"):
        with pytest.raises(DataProblem, match="one column only"):
            read(written(tmp_path, text))


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands"),
    [
        (["12.5", "3.25"], ".", None),
        (["12,5", "3,25"], ",", None),
        (["1,234.5", "12.5"], ".", ","),
        (["1.234,5", "12,5"], ",", "."),
        (["1,234,567", "1,234"], ".", ","),
        (["1.234.567", "1.234"], ",", "."),
        (["1 234,5", "12,5"], ",", " "),
        (["1\u00a0234,5", "12,5"], ",", " "),
        (["1'234.5", "12.5"], ".", "'"),
        (["1.234", "2.345"], ".", None),  # decimals, as ever: nothing speaks against it
        (["1,234", "2,345"], ".", ","),  # a guess, and said to be one
        (["1,234.5", "12,5"], ".", None),  # one of them fits no threes
        (["1,234.5", "1 234.5"], ".", None),  # two marks: either may stand
        (["$1,234.50", "€ 12.5", "7.5%"], ".", ","),
        (["31.12.2025", "2025-12-31", "10.0.0.1", "1,2,3", "call 1,234"], ".", None),
        ([], ".", None),
    ],
)
def test_notation(cells, decimal, thousands):
    found = notation(cells)
    assert found[:2] == (decimal, thousands)
    assert all(g["count"] > 0 for g in found[2])


def test_an_ambiguous_thousands_mark_is_said_to_be_a_guess(tmp_path):
    why = guess(written(tmp_path, "a;b\n1,234;x\n2,345;y\n"), "thousands")["why"]
    assert "a guess" in why
    assert "decimal comma" in why
    assert "a guess" not in guess(written(tmp_path, "a;b\n1,234.5;x\n2,345;y\n"), "thousands")["why"]


def test_the_thousands_mark_is_overruled(tmp_path):
    path = written(tmp_path, "a;b\n1,234;x\n2,345;y\n")
    found = sniff(path).as_dict()
    assert list(read(path).numbers("a")[0]) == [1234, 2345]
    none = read(path, ReadSettings.from_dict({**found, "thousands": ""}))
    assert none.numbers("a")[1] == {"1,234": 1, "2,345": 1}
    comma = read(path, ReadSettings.from_dict({**found, "decimal": ",", "thousands": None}))
    assert list(comma.numbers("a")[0]) == [1.234, 2.345]


def test_a_plain_file_keeps_the_settings_it_always_had(tmp_path):
    settings = sniff(written(tmp_path, "a,b\n1.5,x\n2.5,y\n"))
    assert list(settings.as_dict()) == ["separator", "encoding", "decimal", "quote", "compression", "header", "dates"]


@pytest.mark.parametrize(
    "lead",
    ["Sales report\n", "Sales report\n\nMade on Monday\n\n", "# made by x, y\n# and z\n", "Report;;\n", "\n\n", " \n"],
)
def test_lines_before_the_header(tmp_path, lead):
    raw = read(written(tmp_path, lead + "town;pay;sold\n" + "Århus;1,5;7\n" * 9))
    assert (raw.names, raw.rows, raw.bad_lines) == (["town", "pay", "sold"], 9, 0)
    assert raw.settings.skip == (lead.count("\n") if lead.strip() else 0)
    assert (guess(raw.path, "skip") is not None) == bool(lead.strip())


def test_a_header_that_lacks_a_name_is_no_lead(tmp_path):
    with pytest.raises(DataProblem, match=r"the header has 2 cells|not a table as it stands"):
        read(written(tmp_path, "a,b\n" + "1,2,3\n" * 9))


def test_blanks_around_cells_are_cut_counted_and_can_be_kept(tmp_path):
    path = written(tmp_path, "a,b\n x,1\ny , 2\nz,3\n")
    raw = read(path)
    assert raw.cells("a").to_pylist() == ["x", "y", "z"]
    assert guess(path, "blanks")["count"] == 3
    kept = read(path, ReadSettings(blanks=False))
    assert kept.cells("a").to_pylist() == [" x", "y ", "z"]
    assert list(kept.numbers("b")[0]) == [1, 2, 3]


def test_marks_that_mean_missing_in_every_column(tmp_path):
    path = written(tmp_path, "a,b\nx,1\nn.v.,-9\nz,-9.0\n")
    raw = read(path, ReadSettings.from_dict({"missing": "n.v., -9"}))
    assert raw.cells("a").to_pylist() == ["x", None, "z"]
    assert [v for v in raw.numbers("b")[0] if v == v] == [1.0]


def test_every_guess_of_a_file_says_why(tmp_path):
    path = written(tmp_path, '\ufeffa;b;c\n"x";1.234,5;2026-01-02\ny;12,5;2026-01-03\n')
    found = {g["setting"]: g for g in read(path).guesses}
    assert set(found) == {"encoding", "separator", "quote", "decimal", "thousands", "header"}
    assert found["encoding"]["value"] == "utf-8-sig"
    assert found["decimal"]["value"] == ","


NUMBERS = st.integers(-(10**9), 10**9).map(lambda n: n / 100)


@given(
    numbers=st.lists(NUMBERS, min_size=1, max_size=20),
    style=st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]),
)
def test_numbers_survive_their_notation(tmp_path_factory, numbers, style):
    thousands, decimal = style
    texts = [f"{n:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands) for n in numbers]
    path = tmp_path_factory.mktemp("n") / "t.csv"
    path.write_text("id|n\n" + "".join(f"{i}|{text}\n" for i, text in enumerate(texts)), "utf-8")
    raw = read(path)
    assert raw.settings.decimal == decimal
    assert list(raw.numbers("n")[0]) == pytest.approx(numbers)
