"""An answer is shown in the words of its option, wherever a person reads; its key stays in JSON."""

from __future__ import annotations

from textual.content import Content

from engine.records import Check, Option
from engine.review.past import Past
from tests.storage.samples import decision
from tui.cli.looking import timeline
from tui.figures import advised, answered, from_to
from tui.screens.compare import _chosen
from tui.screens.journal import _figure
from tui.screens.moment import details, difference, in_force
from tui.screens.review import decided

OPTIONS = (Option("one_column", "The best single column"), Option("prior", "The commonest class"), Option(3, "three"))
D = decision("baseline.rule", options=OPTIONS, choice="one_column", recommended="prior", overruled=True, seq=2)


def plain(parts: object) -> str:
    return "\n".join(str(p) for p in parts) if isinstance(parts, list) else str(parts)


def test_every_place_where_a_person_reads_has_the_words() -> None:
    before = decision("baseline.rule", options=OPTIONS, choice="prior", seq=1)
    past = Past([before, D])
    places: dict[str, object] = {
        "details": details(D, 80),
        "then": in_force([D], 80),
        "difference": difference(before, D, past.between(0, 1)),
        "compare": _chosen(D),
        "review": decided(D),
        "log": timeline(D),
    }
    for place, said in places.items():
        words = said.plain if isinstance(said, Content) else plain(said)
        assert "The best single column" in words, place
        assert "one_column" not in words, place
        if place in ("details", "review", "log"):
            assert "The commonest class" in words, place


def test_several_answers_a_table_of_them_and_what_no_option_says() -> None:
    assert answered(decision(options=OPTIONS, choice=["prior", 3])) == "The commonest class, three"
    assert answered(decision(options=OPTIONS, choice={"age": "prior", "sex": "else"})) == (
        "age = The commonest class, sex = else"
    )
    assert answered(decision(options=OPTIONS, choice=["prior", "else"])) == "prior, else"
    assert answered(decision(options=OPTIONS, choice=None)) == "none"
    assert advised(D) == "The commonest class"


def test_a_figure_that_was_chosen_is_told_as_it_was_chosen() -> None:
    assert answered(decision(choice=0.0144)) == "0.0144"
    assert answered(decision(choice={"miss": 0.0144, "alarm": 12_000})) == "miss = 0.0144, alarm = 12,000"
    assert answered(decision(choice=[{"when": "fee > 10", "then": 1.25}])) == "fee > 10 → 1.25"
    assert answered(decision(choice=123_456.789)) == "123,457"


def test_counts_stay_counts() -> None:
    assert from_to(258, 0.0) == ("258", "0")
    assert from_to(0.0, 258.0) == ("0", "258")
    assert from_to(0.711, 0.846) == ("0.711", "0.846")
    assert from_to(None, 0.0) == ("", "0.000")
    assert _figure(decision(check=Check("rows", 0.0, reference=258.0))) == "258→0"
