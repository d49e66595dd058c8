"""A session of a stranger: whatever its evidence holds, an export says it as text, or refuses in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.errors import DataProblem, RungwiseError
from engine.export.adr import record, records
from engine.export.card import card
from engine.export.dossier import Dossier, Product
from engine.export.html import html
from engine.export.markdown import markdown, text_of
from engine.export.portfolio import portfolio
from engine.export.registry import export_of, telling
from engine.records import Evidence
from engine.session import Session
from tests.engine.export.leaving import ended
from tests.engine.export.test_markdown import _decision
from tests.engine.export.test_reports import EXAM, Reader, dossier  # noqa: F401 - a fixture
from tests.engine.tables import customers

EVIL = '1"/><script>alert(1)</script><p x="'
WRONG = (EVIL, None, [], {"a": [EVIL]}, True, float("inf"), -1, [[EVIL]])
FORMS = {"html": html, "md": markdown, "card": card, "adr": records, "portfolio": lambda d: portfolio([d])}


def told(build: Any, d: Dossier) -> Product | str:
    try:
        with telling(d.name, "this"):
            return build(d)
    except RungwiseError as problem:
        return str(problem)


def poisoned(value: Any) -> Iterator[Any]:
    """The same JSON with one place after the other holding what does not belong there, or nothing at all."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: wrong} for wrong in (*WRONG, *poisoned(value[key])))
    elif isinstance(value, list):
        for i in range(len(value)):
            yield from ([*value[:i], wrong, *value[i + 1 :]] for wrong in (*WRONG, *poisoned(value[i])))


@pytest.mark.parametrize("form", FORMS)
def test_evidence_with_words_for_numbers_is_refused_or_told_as_text(form, dossier: Dossier):  # noqa: F811
    refused = 0
    for value in poisoned(dict(EXAM.value)):
        kept = {"exam": Evidence("exam", "lockbox", value), "errors": dossier.evidence("errors")}
        found = told(FORMS[form], replace(dossier, evidence=kept.get))
        refused += isinstance(found, str)
        assert_harmless(found)
    assert form not in ("card",) or refused > 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["value", "low", "high", "reference", "protocol", "metric", "details", "verdict"])
def test_a_check_that_holds_anything_is_refused_or_told_as_text(form, name, dossier: Dossier):  # noqa: F811
    for wrong in WRONG:
        journal = [
            replace(d, check=replace(d.check, **{name: wrong})) if d.check is not None else d for d in dossier.journal
        ]
        session = Session("churn", "f" * 64, journal)
        assert_harmless(told(FORMS[form], replace(dossier, session=session, journal=tuple(journal))))


def assert_harmless(found: Product | str) -> None:
    assert not isinstance(found, str) or len(found.splitlines()) == 1
    for name, content in found.files.items() if isinstance(found, Product) else ():
        text = str(content)
        if text.startswith("<!doctype"):
            said = Reader(text)
            assert not said.open
            assert "script" not in said.tags
        else:
            assert "<script" not in re.sub(r"(?<!\\)`[^`]*`", "", text)
        assert "/" not in name
        assert ".." not in name


def test_what_cannot_be_told_names_the_session_and_the_form():
    said = r"^Session leads holds something that cannot be told as sql \(KeyError"
    with pytest.raises(DataProblem, match=said), telling("leads", "sql"):
        _ = {}["artifact"]


@pytest.mark.parametrize("value", [{}, {"artifact": 3}, {"artifact": "0" * 64, "rows": "many"}, {"artifact": None}])
@pytest.mark.parametrize("form", ["model", "sql", "onnx"])
def test_a_model_that_is_none_does_not_leave(form, value, tmp_path):
    d, _ = ended(customers(tmp_path / "t.csv", 120), "logistic")
    export = export_of(form)
    for package in export.packages:
        pytest.importorskip(package)
    broken = replace(d, evidence={"final": Evidence("final", "final", value)}.get)
    with pytest.raises(RungwiseError), telling(d.name, form):
        export.builder()(broken)


def test_one_strange_session_does_not_hide_the_others_of_a_portfolio(dossier: Dossier):  # noqa: F811
    check = dossier.session.decision("present.result").check  # type: ignore[union-attr]
    journal = [replace(d, check=replace(check, value="much")) if d.check else d for d in dossier.journal]
    broken = replace(dossier, session=Session("theirs", "f", journal), journal=tuple(journal))
    product = portfolio([broken, dossier])
    said = Reader(product.text or "")
    assert "1. churn" in said.words
    assert "1 project" in said.words
    assert any("Session theirs holds something" in line for line in product.said)


@pytest.mark.parametrize(
    "text", ["see http://evil.example/x", "www.evil.example", "me@evil.example", "~~gone~~", "$x$", "![a](http://b)"]
)
def test_markdown_makes_no_links_of_what_people_wrote(text):
    made = text_of(text)
    assert "://" not in made
    assert "www." not in made
    assert "@" not in made
    assert not re.search(r"(?<!\\)[~$\[]", made)


def test_the_head_of_a_record_holds_a_date_and_a_known_author_only():
    evil = "2026-01-01\nstatus: deprecated\nx: !!python/object/apply:os.system [id]"
    head = record(_decision(1, "a.b", "c", decided_at=evil, author="person")).split("---")[1]
    assert head.strip().splitlines() == ["status: accepted", "date: 2026-01-01", "decision-makers: a person"]
    head = record(_decision(1, "a.b", "c", decided_at="!!python/x", author="nobody")).split("---")[1]
    assert head.strip().splitlines() == ["status: accepted", "date: unknown", "decision-makers: unknown"]


@pytest.mark.parametrize("source", ["..", "../../etc/passwd", "a\n; drop table x; --.csv", "", "\u2028x.csv"])
def test_sql_comments_and_tables_take_any_name_of_a_file(source, tmp_path):
    pytest.importorskip("sqlglot")
    d, _ = ended(customers(tmp_path / "t.csv", 120), "logistic")
    evil = Session(f"{source}\nselect 1; --", d.session.data, d.journal)
    text = export_of("sql").builder()(replace(d, source=source, session=evil)).text or ""
    body = text.split("WITH ", 1)[0] if "\nWITH " in text else text.split("SELECT", 1)[0]
    assert all(line.startswith("-- ") for line in body.splitlines())
