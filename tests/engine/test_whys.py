"""The why test of the decision catalogue, 1.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.whys import ADVICE, judge_why, tokens

ASKED = "Which one number decides between two models? ROC AUC average precision log loss accuracy roc_auc"


@pytest.mark.parametrize(
    ("why", "verdict"),
    [
        ("", "missing"),
        ("  \n", "missing"),
        ("...", "thin"),
        ("because", "thin"),
        ("it's what we've always done, don't you think", "thin"),
        ("ROC AUC is the one number that decides between two models", "restates"),
        ("accuracy decides between models, accuracy, number, loss, precision", "restates"),
        ("Calls cost 4 kr. each, the team manages 200 a week, ranking decides whom.", "ok"),
        ("Løftet til kunderne kræver rækkefølge, ikke sandsynlighed for hver enkelt.", "ok"),
    ],
)
def test_a_why_must_say_more_than_the_question(why: str, verdict: str) -> None:
    assert judge_why(why, ASKED) == verdict


def test_the_same_why_stands_twice_and_not_a_third_time() -> None:
    why = "Calls cost four kroner each and the team manages two hundred weekly."
    other_spelling = "calls cost FOUR kroner each -- and the team manages two hundred weekly!"
    assert judge_why(why, ASKED, [why]) == "ok"
    assert judge_why(why, ASKED, [why, other_spelling]) == "copied"
    assert judge_why(why + " Also refunds.", ASKED, [why, why]) == "ok"


def test_words_are_cut_to_six_letters_and_what_is_left_of_contractions_does_not_count() -> None:
    assert tokens("Modelling models, MODELS!") == {"modell", "models"}
    assert tokens("don't I’d we'll it's they've you're") == {"don"}
    assert tokens("0.5 and 1,200") == {"0.5", "1,200"}


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_every_verdict_below_ok_has_advice(why: str, asked: str, earlier: list[str]) -> None:
    verdict = judge_why(why, asked, earlier)
    assert verdict == "ok" or ADVICE[verdict].endswith((".", "?"))
    assert verdict != "ok" or len(tokens(why) - tokens(asked)) >= 3
