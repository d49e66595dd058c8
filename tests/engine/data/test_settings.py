"""Settings of the reading are JSON, small where there is nothing to say, and checked where a person says them."""

import pytest

from engine.data.settings import ReadSettings, in_words, overruled
from engine.errors import InvalidAnswer

FOUND = ReadSettings(";", "cp1252", ",").as_dict()


def test_what_is_said_replaces_what_was_found():
    assert overruled(FOUND, {}) == FOUND
    assert overruled(FOUND, {"decimal": ".", "thousands": ","}) == {**FOUND, "decimal": ".", "thousands": ","}
    assert overruled(FOUND, {"missing": "n.v., k.A."})["missing"] == "n.v., k.A."
    assert overruled({**FOUND, "sheet": "a"}, {"sheet": None}) == FOUND
    again = overruled(FOUND, {"missing": "a, b\nc\n"})
    assert ReadSettings.from_dict(again).missing == ("a, b", "c")
    assert overruled(again, {}) == again


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (
            {"seperator": ";"},
            "'seperator' = ';' is no setting; did you mean separator|seperator = ';' is no setting; did you",
        ),
        ({"zzz": 1}, "there are separator, encoding"),
        ({"separator": ";;"}, "one character each"),
        ({"separator": 5}, "one character each"),
        ({"separator": "\n"}, "one character each"),
        ({"separator": "§"}, "more than one byte"),
        ({"separator": '"'}, "cannot be the same"),
        ({"decimal": ";"}, "one character each"),
        ({"thousands": ","}, "not the decimal sign"),
        ({"thousands": 3}, "thousands mark is one of"),
        ({"encoding": "klingon"}, "no encoding called"),
        ({"encoding": "base64"}, "no encoding called"),
        ({"encoding": None}, "no encoding called"),
        ({"format": "word"}, "no format called 'word'; there are csv, jsonl"),
        ({"compression": "rar"}, "not as 'rar'"),
        ({"skip": -1}, "a number from 0 to 1,000"),
        ({"skip": True}, "a number from 0 to 1,000"),
        ({"header": "yes"}, "true or false"),
        ({"sheet": 3}, "named by a text"),
        ({"dates": "x"}, "a table"),
    ],
)
def test_what_cannot_be_is_said(choice, says):
    with pytest.raises(InvalidAnswer, match=says):
        overruled(FOUND, choice)


def test_in_words():
    assert in_words(FOUND) == "cp1252, separated by semicolon, decimal “,”"
    assert in_words(ReadSettings("\t", compression="gzip").as_dict()) == "utf-8, separated by tab, decimal “.”, gzip"
    assert "sheet “2024”" in in_words(ReadSettings(format="excel", sheet="2024", skip=1).as_dict())
    assert "query “select 1”" in in_words(ReadSettings(format="duckdb", table="select 1").as_dict())
