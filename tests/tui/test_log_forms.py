"""`log --format`: the same decisions in each form, with nothing in them interpreted by whoever opens it."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest

from engine.records import Check, Decision, Option
from storage.store import Store
from tests.storage.samples import decision
from tests.tui.reviewed import sound_session
from tui.cli import main
from tui.cli.log_forms import COLUMNS, FORMS, as_csv, as_html, as_markdown

HOSTILE = '<script>alert(1)</script> **bold** [x](http://evil) \x1b[31mred\x1b[0m "q", \n=1+1 | \udcff'


def hostile() -> list[Decision]:
    option = Option("k", HOSTILE)
    check = Check("roc_auc", 0.8, 0.7, 0.9, 0.5, HOSTILE, "better")
    everywhere = dict.fromkeys(("subject", "prompt", "why", "stage", "recommended", "decided_at"), HOSTILE)
    odd = decision(**everywhere, options=(option,), choice="k", check=check, flags=(HOSTILE,), overruled=True, seq=1)
    formulas = [decision(why=f"{sign}1+1", subject=f"{sign}A1", seq=n) for n, sign in enumerate("=+-@", 2)]
    return [odd, *formulas]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.words = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("form", FORMS)
def test_no_form_holds_a_sign_that_a_terminal_would_obey(form: str) -> None:
    written = FORMS[form]("a\x1b]0;b\x07", "main", hostile())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", written)
    written.encode()


def test_html_holds_the_text_and_none_of_its_markup() -> None:
    page = Tags()
    page.feed(as_html("s", "main", hostile()))
    assert not page.seen & {"script", "a", "img", "b"}
    assert "<script>alert(1)</script>" in page.words


def test_markdown_escapes_what_would_be_markup() -> None:
    written = as_markdown("s", "main", hostile())
    assert "<script>" not in written
    assert "**bold**" not in written
    assert not re.search(r"(?<!\\)\]\(", written)
    assert "http://" not in written


def test_csv_has_every_decision_on_one_line_and_no_formula() -> None:
    taken = hostile()
    rows = list(csv.DictReader(io.StringIO(as_csv("s", "main", taken))))
    assert [int(row["seq"]) for row in rows] == [1, 2, 3, 4, 5]
    assert json.loads(rows[0]["choice"]) == "k"
    assert rows[0]["answer"].startswith("<script>")
    assert float(rows[0]["value"]) == 0.8
    assert not [v for row in rows for v in row.values() if v.startswith(("=", "+", "-", "@"))]


def test_an_empty_journal_is_a_whole_document_in_each_form() -> None:
    assert as_csv("s", "main", []).splitlines() == [",".join(COLUMNS)]
    assert "0 decisions" in as_markdown("s", "main", [])
    assert as_html("s", "main", []).endswith("</html>\n")


def test_the_command_prints_each_form_and_refuses_others(tmp_path, capsys) -> None:
    place = tmp_path / "s.db"
    with Store.open(place) as store:
        sound_session(store, tmp_path / "data.csv")
        name = store.sessions.list()[0].name
        count = len(store.journal(name).decisions())

    def ended(*how: str) -> int:
        with pytest.raises(SystemExit) as left:
            main(["log", name, "--store", str(place), *how])
        return int(left.value.code or 0)

    def printed(*how: str) -> str:
        assert ended(*how) == 0
        return capsys.readouterr().out

    assert len(list(csv.reader(io.StringIO(printed("--format", "csv"))))) == count + 1
    assert printed("--format", "md").count("\n### ") == count
    assert printed("--format", "html").count("<h3") == count
    assert printed("--format", "json") == printed("--json")
    assert printed("--format", "text") == printed()
    assert ended("--format", "pdf") == 2
    assert "text, json, md, csv or html, not pdf" in capsys.readouterr().err
