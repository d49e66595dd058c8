"""The reports for people: everything a stranger asks is in them, and nothing in them means more than it says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from engine.errors import DataProblem, UsageProblem
from engine.export.adr import record, records, slug
from engine.export.card import MISSING, SECTIONS, card, leak_report, sections
from engine.export.dossier import Dossier
from engine.export.html import _table, html
from engine.export.markup import Html, el, text
from engine.export.pictures import picture, ticks
from engine.export.portfolio import level_of, portfolio
from engine.export.registry import EXPORTS, export_of, in_words
from engine.export.told import flag_in_words, labelled
from engine.records import Check, Evidence, Option
from engine.session import Session
from engine.views import Bars, Curves, Grid, Histogram, Intervals, Samples, Table, Words
from tests.engine.export.test_markdown import HOSTILE, RUNG, _decision

CURVE = Curves("Learning curve", "rows", "ROC AUC", {"practice": [(100.0, 0.7), (200.0, 0.75)], "one": [(100.0, 0.8)]})
BANDS = Intervals("The lockbox", "ROC AUC", [("practice", 0.84, 0.83, 0.86), ("lockbox", 0.85, None, None)], 0.55)
EXAM = Evidence(
    "exam",
    "lockbox",
    {
        "rows": 200, "fitted_on": 800, "method": "bootstrap", "lockbox_hash": "cd" * 32, "independent": True,
        "intervals": {"roc_auc": [0.8472, 0.8208, 0.8718], "accuracy": [0.8, None, None]},
        "per_class": [
            {"label": "No", "support": 150, "precision": 0.9, "precision_low": 0.85, "precision_high": 0.94,
             "recall": 0.8, "recall_low": 0.7, "recall_high": 0.9, "f1": 0.85},
            {"label": "Yes", "support": 50, "precision": None, "recall": 0.5, "recall_low": 0.4, "recall_high": 0.6,
             "f1": None},
        ],
    },
)  # fmt: skip
SLICES = [
    {"slice": "tenure < 3", "rows": 40, "loss": 0.9, "rest": 0.4, "ratio": 2.25, "weak": True},
    {"slice": "tenure ≥ 3", "rows": 160, "loss": 0.4, "rest": 0.9, "ratio": 0.4, "weak": False},
]
ERRORS = Evidence("errors", "errors", {"slices": SLICES})
ENVIRONMENT = {"rungwise": "0.1", "python": "3.11", "platform": "Linux", "cpus": 2, "versions": {"numpy": "2.4"}}


@pytest.fixture
def dossier() -> Dossier:
    journal = (
        _decision(1, "problem.target", "Churn", author="person", options=(Option("Churn"), Option("Age"))),
        _decision(2, "problem.metric", "roc_auc"),
        _decision(3, "data.leaks", "drop", subject="offer", author="plan", stage="prepare"),
        _decision(4, "data.types", {"sex": "category", "tenure": "number"}, stage="prepare"),
        _decision(5, "problem.statement", "Call those who leave", author="person"),
        _decision(6, "split.lockbox", 0.2, stage="prepare"),
        _decision(7, "simple.champion", "logistic", stage="simple", check=RUNG, author="person", flags=("M03",),
                  overruled=True, recommended="tree"),
        _decision(8, "problem.statement", "Write to those who leave", author="person", supersedes=5),
        _decision(9, "improve.errors", "accept", stage="simple", evidence=("errors",)),
        _decision(10, "present.result", "shown", stage="present", evidence=("exam",),
                  check=Check("roc_auc", 0.8472, 0.8208, 0.8718, 0.55, "200 rows, bootstrap", details={"looks": 2})),
    )  # fmt: skip
    kept = {"exam": EXAM, "errors": ERRORS}
    return Dossier(
        Session("churn", "f" * 64, journal),
        journal,
        {7: (CURVE,), 9: (Table("Slices", ("slice", "loss"), [("tenure < 3", 0.9)]),), 10: (BANDS,)},
        "telco.csv",
        environment=lambda key: ENVIRONMENT,
        evidence=kept.get,
    )


class Reader(HTMLParser):
    """Every tag, and the visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.given: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.given += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.given += attrs

    def handle_data(self, data: str) -> None:
        if not {"style", "head"} & set(self.open):
            self.words += data


def page_of(d: Dossier) -> str:
    page = html(d).text
    assert page is not None
    return page


# -- HTML ------------------------------------------------------------------------------------------------------------


def test_the_page_tells_the_result_the_ladder_and_every_decision(dossier: Dossier):
    said = Reader(page_of(dossier))
    assert not said.open
    for words in (
        "Logistic regression: ROC AUC 0.847", "0.83 … 0.86", "guessing scores 0.5", "Write to those who leave",
        "looked at 2 times: the score is optimistic", "Against the recommendation: tree.", "offer", "numpy", "2.4",
        "Where it is right and wrong", "tenure < 3", "What was shown", "← chosen", "ab" * 32, "f" * 64,
    ):  # fmt: skip
        assert words in said.words, words
    for d in dossier.decisions:
        assert f"{d.seq}. {d.prompt}" in said.words
    assert said.tags.count("svg") == 3  # the ladder, the final exam, the curve
    assert "5. problem.statement" not in said.words  # replaced, and no longer in force


def test_the_page_needs_nothing_beside_it(dossier: Dossier):
    page = page_of(dossier)
    said = Reader(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(said.tags)
    assert not {name for name, _ in said.given} & {"src", "href", "onclick", "onload"}
    assert "url(" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page


def with_samples(dossier: Dossier, **options: str) -> Dossier:
    """Where it is wrong, with rows of the data, which an artifact holds."""
    rows = {"worst": {"columns": ["row", "note"], "rows": [[7, f"call me\non 555 {HOSTILE}"]]}}
    kept = json.dumps(rows).encode()
    shows = {**dossier.shows, 9: (Samples("Worst rows", "d1", ("worst",)), Samples("Why", "gone", ("why",)))}

    def fetch(digest: str) -> bytes:
        if digest != "d1":
            raise DataProblem("There is no such artifact.")
        return kept

    return replace(dossier, shows=shows, fetch=fetch, options=options)


def test_rows_of_the_data_stand_in_a_report_only_where_they_are_asked_for(dossier: Dossier):
    for form in ("html", "md"):
        said = export_of(form).builder()(with_samples(dossier)).text or ""
        assert "555" not in said
        assert "rows of the data stand in a report only where they are asked for" in said
    said = Reader(page_of(with_samples(dossier, rows="yes")))
    assert "call me on 555" in said.words  # a cell is one line
    assert "script" not in said.tags
    assert "Left out, as the store has these rows no more: Why." in said.words
    told = export_of("md").builder()(with_samples(dossier, rows="yes")).text or ""
    assert "555" in told
    assert "<script" not in told


def test_a_long_table_goes_on_behind_a_fold_and_empty_columns_are_left_out():
    long = Table("words", ("word", "95 % interval", "odds"), [(f"word {i}", "", 1.5) for i in range(50)])
    page = _table(long)
    assert "95 %" not in page
    assert page.count("<table>") == 2
    assert "30 rows more" in page
    assert "word 49" in page
    assert "details" not in _table(replace(long, rows=long.rows[:25]))


def test_how_a_file_was_read_is_told_in_words(dossier: Dossier):
    read = {"separator": ";", "encoding": "utf-8", "decimal": ",", "quote": '"', "header": True, "dates": {}}
    loaded = _decision(11, "data.load", read, stage="prepare")
    assert labelled(loaded) == "utf-8, separated by semicolon, decimal “,”"
    assert "nonsense" in labelled(replace(loaded, choice={"encoding": "nonsense"}))  # of a stranger's store


def test_hostile_text_stays_text_everywhere():
    hostile = HOSTILE + '" onload="alert(1)'
    views = (
        Table(hostile, (hostile,), [(hostile,)]), Intervals(hostile, hostile, [(hostile, 1.0, 0.5, 2.0)]),
        Bars(hostile, hostile, [(hostile, 1.0)]), Words(hostile, hostile), Samples(hostile, "x"),
        Curves(hostile, hostile, hostile, {hostile: [(0.0, 1.0), (1.0, 2.0)]}),
        Histogram(hostile, hostile, (0.0, 1.0), (3,), ((hostile, 0.5),)),
        Grid(hostile, (hostile,), (hostile,), ((0.5,),)),
    )  # fmt: skip
    decision = _decision(
        1, "problem.target", hostile, prompt=hostile, why=hostile, flags=(hostile,), recommended=hostile,
        reason=hostile, overruled=True, stage=hostile,
        options=(Option(hostile, hostile, hostile, {hostile: hostile}), Option("b")),
        check=Check(hostile, 1.0, protocol=hostile),
    )  # fmt: skip
    dossier = Dossier(
        Session(hostile, hostile, [decision]), (decision,), {1: views}, hostile, hostile,
        environment=lambda key: {"rungwise": hostile, "versions": {hostile: hostile}},
    )  # fmt: skip
    page = page_of(dossier)
    said = Reader(page)
    assert not said.open
    assert "script" not in said.tags
    assert "onload" not in {name for name, _ in said.given}
    assert "\x1b" not in page
    assert said.words.count("<script>alert(1)</script>") > 20
    for form in ("md", "card", "adr"):
        product = export_of(form).builder()(dossier)
        told = "".join(str(content) for content in product.files.values())
        assert "<script" not in re.sub(r"(?<!\\)`[^`]*`", "", told)
        assert "\x1b" not in told


def test_an_empty_session_has_a_page_too():
    said = Reader(page_of(Dossier(Session("new", "f"), (), {}, "a.csv")))
    assert "No model has been accepted yet." in said.words
    assert not said.open


def test_elements_escape_what_they_are_given():
    assert el("p", "a < b & c", el("b", "x"), None, title='"q"') == (
        '<p title="&quot;q&quot;">a &lt; b &amp; c<b>x</b></p>'
    )
    assert text(Html("<b>")) == "<b>"


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.83, 0.86, [0.83, 0.84, 0.85, 0.86]),
     (-30, 120, [0, 50, 100]), (3, 3, [3])],
)  # fmt: skip
def test_scales_have_round_marks(low, high, marks):
    assert ticks(low, high) == pytest.approx(marks)


def test_a_picture_puts_values_in_their_order():
    drawn = str(picture(BANDS))
    places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawn)]
    reference = float(re.findall(r'<line x1="([\d.]+)" x2="[\d.]+" y1="[\d.]+" y2="[\d.]+" class="line"', drawn)[0])
    assert reference < places[0] < places[1]
    assert picture(Words("a", "b")) is None
    assert picture(Curves("a", "x", "y", {"one": [(1.0, 1.0)]})) is None


# -- the model card --------------------------------------------------------------------------------------------------


def test_the_card_has_its_nine_sections_and_says_which_a_person_must_write(dossier: Dossier):
    product = card(dossier)
    told = product.text or ""
    assert [line[3:] for line in told.splitlines() if line.startswith("## ")] == list(SECTIONS)
    assert "8 of 9 sections are filled from the log; please write in: ethical considerations." in product.said
    assert told.count(MISSING) == 1
    assert "ROC AUC 0.847 (0.821 … 0.872); the line to reach was 0.55" in told
    assert "| ROC AUC | 0.847 | 0.821 … 0.872 | 0.5 |" in told
    assert "| No | 150 (75%) | 0.9 (0.85 … 0.94) | 0.8 (0.7 … 0.9) |" in told
    assert "Always saying the largest class is right in 75.0% of these rows." in told
    assert "tenure &#60; 3 | 40 | 0.9 | 0.4 | weak" in told
    assert "looked at 2 times" in told
    assert "1 against the recommendation: “simple.champion?” logistic" in told
    assert "protected traits: sex" in told


def test_the_leak_report_names_every_kind(dossier: Dossier):
    told = leak_report(dossier)
    assert [line.split("|")[1].strip() for line in told.splitlines()[2:]] == [
        "L1.1", "L1.2", "L1.3", "L1.4", "L2", "L3.1", "L3.2", "L3.3"
    ]  # fmt: skip
    assert "left out: offer" in told


def test_a_card_of_nothing_says_what_is_missing():
    told = sections(Dossier(Session("new", "f"), (), {}, "a.csv"))
    assert told["Model details"] == told["Quantitative analyses"] == MISSING


# -- decision records ------------------------------------------------------------------------------------------------


def test_each_decision_of_a_person_is_a_record(dossier: Dossier):
    product = records(dossier)
    assert [name for name in product.files if name != "README.md"] == [
        "0001-problem-target.md", "0002-data-leaks-offer.md", "0003-problem-statement.md", "0004-simple-champion.md",
        "0005-problem-statement.md",
    ]  # fmt: skip
    overruled = str(product.files["0004-simple-champion.md"])
    for part in (
        "status: accepted", "## Context and Problem Statement", "## Considered Options", "## Decision Outcome",
        "### Consequences", "Recommended: tree.", "Chosen: “logistic”, because Because.", "ROC AUC 0.845 (0.83 … 0.86)",
    ):  # fmt: skip
        assert part in overruled, part
    assert "status: superseded by decision 8" in str(product.files["0003-problem-statement.md"])
    assert "superseded by 8" in str(product.files["README.md"])


def test_a_record_without_options_names_what_was_said():
    told = record(_decision(1, "a.b", "free text", options=(), why="", author="person"))
    assert "* free text" in told
    assert "because no reason was given." in told


@pytest.mark.parametrize(
    ("name", "wanted"), [("data.leaks:Größe ../x", "data-leaks-groe-x"), ("..", "decision"), ("a" * 99, "a" * 60)]
)
def test_file_names_are_plain(name, wanted):
    assert slug(name) == wanted


# -- the registry ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
def test_each_form_is_declared_once_and_can_be_built(export):
    assert export_of(export.name) is export
    assert f"{export.name}: {export.title}" in in_words()
    pytest.importorskip(export.packages[0]) if export.packages else None
    assert callable(export.builder())
    assert len({e.name for e in EXPORTS}) == len(EXPORTS)


def test_forms_that_do_not_exist_are_said_with_those_that_do():
    with pytest.raises(UsageProblem, match="it can as md, html"):
        export_of("pdf")


# -- the portfolio ---------------------------------------------------------------------------------------------------


def _ended(choice: str, low: float, benchmark: object = None) -> Session:
    base = Check("roc_auc", 0.5, 0.5, 0.5, details={"rung": "prior"})
    exam = Check("roc_auc", 0.8, low, 0.9, 0.7, details={"baseline": 0.5})
    return Session(
        "x", "f",
        [
            _decision(1, "problem.metric", "roc_auc"), _decision(2, "project.benchmark", benchmark),
            _decision(3, "baseline.confirm", "prior", stage="baseline", check=base),
            _decision(4, "simple.champion", "logistic", stage="simple", check=RUNG),
            _decision(5, "present.result", choice, stage="present", check=exam),
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("session", "level"),
    [
        (Session("x", "f"), ""), (_ended("not_met", 0.6), "result"), (_ended("not_met", 0.49), "short"),
        (_ended("shown", 0.7), "good"), (_ended("likely", 0.6), "good"), (_ended("not_met", 0.6, 0.89), "world"),
        (_ended("not_met", 0.6, 0.95), "result"),
    ],
)  # fmt: skip
def test_a_level_follows_from_the_final_exam(session, level):
    assert level_of(session) == level


def test_the_portfolio_shows_ladders_and_no_markup_of_anybody(dossier: Dossier):
    evil = replace(dossier, session=Session(HOSTILE, "f", dossier.journal), source=HOSTILE)
    said = Reader(portfolio([dossier, evil]).text or "")
    assert not said.open
    assert "2 projects" in said.words
    assert "good: it reaches" in said.words
    assert said.tags.count("svg") == 2
    assert "script" not in said.tags


def test_what_was_turned_down_is_an_idea_and_no_question_that_nobody_answered(dossier: Dossier):
    asked = _decision(20, "data.limits", None, prompt="How large?", why="Nobody was asked.")
    told = _decision(21, "deep.enter", "no", author="plan", why_author="plan", why="This run was told beforehand, " * 9)
    more = (*dossier.journal, asked, told)
    d = replace(dossier, journal=more, session=Session("churn", "f" * 64, more))
    words = Reader(portfolio([d]).text or "").words
    assert "Turned down" not in words
    assert "told beforehand" not in words
    tried = _decision(22, "data.keep", "undo", prompt="Tried: bend them in. Keep it?", why="No gain at all.")
    d = replace(d, journal=(*more, tried), session=Session("churn", "f" * 64, (*more, tried)))
    assert "Turned down: Tried: bend them in. Keep it? No gain at all." in Reader(portfolio([d]).text or "").words


def test_the_report_opens_with_the_exam_in_sentences_and_says_what_was_learned(dossier: Dossier):
    learned = _decision(99, "present.lessons", "First thing. Second: 0.5 more. “Third” was not.", stage="present")
    d = replace(dossier, session=Session("churn", "ab" * 32, [*dossier.session.decisions(), learned]))
    page = html(d).text or ""
    assert "The line to reach was set at 0.55 before any score was seen, and it is reached" in page
    assert "<li>First thing.</li><li>Second: 0.5 more.</li><li>“Third” was not.</li>" in page
    assert '<details open=""><summary>How to read this</summary>' in page


def test_flags_are_told_in_words():
    assert re.fullmatch(r"M23: \w.+", flag_in_words("M23"))
    assert flag_in_words("M999") == "M999"


def test_lines_that_others_are_held_against_are_faint():
    lines = {"happened": [(0.0, 0.1), (1.0, 0.9)], "as said": [(0.0, 0.0), (1.0, 1.0)]}
    drawn = str(picture(Curves("c", "x", "y", lines)))
    assert 'class="curve c0"' in drawn
    assert 'class="curve c7 faint"' in drawn
    assert drawn.count("<circle") == 2


def test_figures_stand_to_the_right_also_where_they_are_text():
    rows = [("a", "0.5", "0.4 … 0.6", "a longer text that may well be broken"), ("b", "−1,200", None, "x")]
    page = str(_table(Table("", ("name", "value", "interval", "said"), rows)))
    assert '<td class="n">−1,200</td>' in page
    assert '<td class="k">0.4 … 0.6</td>' in page
    assert "<td>a longer text that may well be broken</td>" in page
