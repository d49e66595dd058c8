"""Every question has a title in words, by which it can be told from all others."""

from engine.conductor import catalogue
from engine.stages import STAGES
from engine.titles import TITLES, titled

LONGEST = 32  # characters that fit beside an answer at 80 columns


def test_every_question_has_a_title_and_no_title_is_left_over():
    assert set(TITLES) == {question.id for question in catalogue(STAGES).questions}


def test_titles_are_short_words_and_tell_questions_apart():
    assert len(set(TITLES.values())) == len(TITLES)
    for question, title in TITLES.items():
        assert 0 < len(title) <= LONGEST, question
        assert not set(title) & set("._{}?"), question


def test_what_a_question_is_about_stands_in_its_title_literally():
    assert titled("data.leaks", "ten\x1bure") == "too good or too late: ten␛ure"
    assert titled("split.kind") == "how tomorrow differs"


def test_a_question_of_another_version_is_called_by_the_words_of_its_id():
    assert titled("data.no_longer_asked") == "no longer asked"
