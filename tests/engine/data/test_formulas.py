"""Formulas are checked as they are typed: what is wrong, where, and what there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.formulas import read_formula, suggest
from engine.errors import InvalidAnswer

TYPES = {"TotalCharges": "number", "tenure": "number", "Contract": "category", "signup": "date", "ended": "date"}


@pytest.mark.parametrize(
    ("text", "columns", "kind"),
    [
        ("TotalCharges / NULLIF(tenure, 0)", ("TotalCharges", "tenure"), "number"),
        ("julianday(ended) - julianday(signup)", ("ended", "signup"), "number"),
        ("lower(Contract)", ("Contract",), "category"),
        ("CASE WHEN tenure < 12 THEN 'new' ELSE 'old' END", ("tenure",), "category"),
        ("tenure > 12 AND Contract = 'Yes'", ("tenure", "Contract"), "number"),
        ("strftime('%w', signup)", ("signup",), "category"),
        ("ln(TotalCharges + 1) * -2", ("TotalCharges",), "number"),
    ],
)
def test_an_expression_says_what_it_reads_and_makes(text: str, columns: tuple[str, ...], kind: str) -> None:
    formula = read_formula(text, TYPES, "Churn")
    assert (formula.columns, formula.type) == (columns, kind)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tenur * 2", "no column tenur. Did you mean tenure"),
        ("Churn * 2", "“Churn” is the target"),
        ("Contract + 1", "“Contract” is no number but a category"),
        ("ended - signup", r'julianday\("ended"\) is its day'),
        ("sum(tenure)", r"sum\(\) is not allowed in a formula"),
        ("random() * tenure", r"random\(\) is not allowed"),
        ("(SELECT max(tenure) FROM rows)", "SELECT has no place in a formula"),
        ("tenure; DROP TABLE rows", "; has no place in a formula"),
        ("load_extension('x') + tenure", r"load_extension\(\) is not allowed"),
        ("tenure * ", "The formula"),
        ("1 + 1", "names no column"),
        ("", "A formula is missing"),
        ("julianday('now') - tenure", "clock"),
        ("pow(tenure, 2)", r"pow\(\) is not allowed.*Did you mean power\(\)"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InvalidAnswer, match=said):
        read_formula(text, TYPES, "Churn")


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_formula_or_refused(text: str) -> None:
    try:
        read = set(read_formula(text, TYPES, "Churn").columns)
    except InvalidAnswer:
        read = set()
    assert read <= set(TYPES)


def column(kind: str = "number", low: float | None = 0, *, integer: bool = False) -> dict[str, object]:
    return {"type": kind, "min": low, "integer": integer}


def test_ideas_come_from_names_and_ranges() -> None:
    telco = {"tenure": column(integer=True), "MonthlyCharges": column(), "TotalCharges": column()}
    assert [idea.formula for idea in suggest(telco, "Churn")] == ['"TotalCharges" / NULLIF("tenure", 0)']
    titanic = {"sibsp": column(integer=True), "parch": column(integer=True), "fare": column()}
    assert [idea.formula for idea in suggest(titanic, "survived")] == ['"sibsp" + "parch" + 1']
    box = {"x": column(), "y": column(), "z": column(), "carat": column()}
    assert [idea.formula for idea in suggest(box, "price")] == ['"x" * "y" * "z"']
    bill = {"bill_length_mm": column(), "bill_depth_mm": column(), "body_mass_g": column()}
    assert [idea.name for idea in suggest(bill, "species")] == ["bill_length_mm to bill_depth_mm"]


def test_no_idea_where_nothing_speaks_for_one() -> None:
    plain = {"age": column(integer=True), "income": column(), "city": column("category", None), "seen": column("date")}
    assert suggest(plain, "left") == []


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20).filter(lambda n: "\0" not in n and n.isprintable() and n.strip() == n),
        st.builds(column, st.sampled_from(["number", "date", "category"]), st.sampled_from([0, -1, None]),
                  integer=st.booleans()),
        max_size=8,
    )
)  # fmt: skip
def test_every_idea_can_be_computed(columns: dict[str, dict[str, object]]) -> None:
    for idea in suggest(columns, "goal"):
        read_formula(idea.formula, {name: str(c["type"]) for name, c in columns.items()}, "goal")
