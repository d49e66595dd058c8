"""The filter of the journal: its language, whatever is typed, and that it finds what a plain reading would find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageProblem
from engine.records import Check, Decision, Option
from tests.storage.samples import decision
from tui.sift import AUTHORS, read_sift

WORD = st.text("abcxyz .-_éß", min_size=1, max_size=6).map(str.strip).filter(bool)
VERDICTS = ("better", "worse", "equivalent", "unclear", "measured")


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    verdict = draw(st.none() | st.sampled_from(VERDICTS))
    return decision(
        draw(st.sampled_from(("problem.metric", "data.drop", "simple.champion"))),
        subject=draw(st.sampled_from(("", "tenure"))),
        stage=draw(st.sampled_from(("define", "prepare", "simple"))),
        author=draw(st.sampled_from(("person", "plan", "engine"))),
        why=draw(WORD),
        flags=tuple(draw(st.sets(st.sampled_from(("M04", "M12"))))),
        overruled=draw(st.booleans()),
        check=Check("roc_auc", 0.8, verdict=verdict) if verdict else None,
        seq=draw(st.integers(1, 50)),
    )


JOURNAL = st.lists(decisions(), max_size=12)


@given(st.text(max_size=40), JOURNAL)
def test_whatever_is_typed_is_read_or_refused_in_a_sentence(typed: str, journal: list[Decision]) -> None:
    try:
        sift = read_sift(typed)
    except UsageProblem as problem:
        said = str(problem)
    else:
        said = ""
        found = sift.through(journal, {})
        assert found == sorted(set(found))
        assert set(found) <= set(range(len(journal)))
    assert not said or said.startswith("by: takes person, plan or guide")


@given(JOURNAL, st.sampled_from(sorted(AUTHORS)))
def test_by_takes_the_words_that_the_screen_shows(journal: list[Decision], name: str) -> None:
    found = read_sift(f"by:{name}").through(journal, {})
    assert found == [at for at, d in enumerate(journal) if d.author == AUTHORS[name]]


@given(JOURNAL, st.sampled_from(("define", "prepare", "simple")), st.sampled_from(VERDICTS))
def test_kinds_must_all_fit_and_of_one_kind_any(journal: list[Decision], stage: str, verdict: str) -> None:
    both = read_sift(f"stage:{stage} verdict:{verdict}").through(journal, {})
    assert both == [
        at for at, d in enumerate(journal) if d.stage == stage and d.check is not None and d.check.verdict == verdict
    ]
    either = read_sift(f"stage:{stage},define").through(journal, {})
    assert either == read_sift(f"stage:define stage:{stage}").through(journal, {})
    assert either == [at for at, d in enumerate(journal) if d.stage in (stage, "define")]


@given(JOURNAL)
def test_against_splits_the_journal_in_two(journal: list[Decision]) -> None:
    yes, no = (read_sift(f"against:{word}").through(journal, {}) for word in ("yes", "no"))
    assert sorted(yes + no) == list(range(len(journal)))
    assert yes == [at for at, d in enumerate(journal) if d.overruled]


@given(JOURNAL, WORD)
def test_a_phrase_in_quotes_is_looked_for_as_it_stands(journal: list[Decision], words: str) -> None:
    found = read_sift(f'"{words}"').through(journal, {})
    assert all(at in found for at, d in enumerate(journal) if words.casefold() in d.why.casefold())


@given(JOURNAL, st.dictionaries(st.integers(1, 50), st.frozensets(st.sampled_from(("M04", "M30")))))
def test_flags_are_those_recorded_and_those_that_the_review_raises(
    journal: list[Decision], raised: dict[int, frozenset[str]]
) -> None:
    def has(d: Decision, flag: str) -> bool:
        return flag in d.flags or flag in raised.get(d.seq, ())

    assert read_sift("flag:m04").through(journal, raised) == [at for at, d in enumerate(journal) if has(d, "M04")]
    every = [at for at, d in enumerate(journal) if d.flags or raised.get(d.seq)]
    assert read_sift("flag:any").through(journal, raised) == every


def test_words_are_found_in_what_is_shown_and_in_what_is_kept() -> None:
    d = decision(
        options=(Option("one_column", "By the best single column"),), choice="one_column", why="Cheap to explain"
    )
    for typed in ("single column", "ONE_COLUMN", "cheap", "metric", '"best single"'):
        assert read_sift(typed).fits(d), typed
    for typed in ("single missing", '"single best"', "accuracy"):
        assert not read_sift(typed).fits(d), typed


def test_what_is_half_typed_hides_nothing() -> None:
    d = decision(stage="simple", author="person")
    for typed in ("", "  ", "stage:", "by:", "by:pe", "by:person stage:", '"'[:0], "flag:"):
        assert read_sift(typed).fits(d), typed
    assert read_sift("stage:").empty
    assert read_sift("flag:M").needs_review
    assert not read_sift("word").needs_review


def test_an_author_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageProblem, match="not nobody"):
        read_sift("by:nobody")


def test_what_is_no_kind_is_a_word() -> None:
    assert read_sift("http://x a:b").words == ("http://x", "a:b")
    assert read_sift('say "hello').words == ("say", '"hello')
