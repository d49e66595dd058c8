"""The conditions of a rule: what is read, what is refused, and that nothing else can happen."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.conditions import Condition, matching, quoted, read_rules, validate_condition
from engine.errors import InvalidAnswer

COLUMNS = {
    "tenure": "number",
    "Contract": "category",
    "education-num": "number",
    "table": "number",
    "Plasma glucose (mm Hg)": "number",
    'we"ird': "text",
    "[red]bold[/red]": "text",
    "größe": "number",
    "a.b": "number",
    "line\nbreak": "text",
}


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("tenure < 12 AND Contract = 'Month-to-month'", ["tenure", "Contract"]),
        ('"education-num" > 9', ["education-num"]),
        ("[table] > 60", ["table"]),
        ("`Plasma glucose (mm Hg)` BETWEEN 100 AND 140", ["Plasma glucose (mm Hg)"]),
        ('"we""ird" LIKE \'a%\'', ['we"ird']),
        ('"[red]bold[/red]" IS NULL', ["[red]bold[/red]"]),
        ("größe > 1.5e3", ["größe"]),
        ('"a.b" IN (1, 2)', ["a.b"]),
        ("\"line\nbreak\" = 'x'", ["line\nbreak"]),
        ('TENURE < 3 OR "tenure" > 40', ["tenure"]),
        ("CASE WHEN tenure > 3 THEN 1 ELSE 0 END", ["tenure"]),
        ("CAST(Contract AS INTEGER) > 2", ["Contract"]),
        ("Contract COLLATE NOCASE = 'one year'", ["Contract"]),
        ("max(tenure, 3) > 2", ["tenure"]),
        ("1 = 1", []),
        ("Contract = 'it''s; DROP TABLE -- /* ?'", ["Contract"]),
    ],
)
def test_reads_conditions(text: str, used: list[str]) -> None:
    assert list(validate_condition(text, COLUMNS).columns) == used


@pytest.mark.parametrize(
    "text",
    [
        "tenure < 3; DROP TABLE rows",
        "1) UNION SELECT 1 --",
        "1) OR (1",
        "1 -- x",
        "1 /* x",
        "tenure = ?",
        "tenure = :a",
        "ATTACH 'x.db' AS y",
        "PRAGMA table_info(rows)",
        "EXISTS (SELECT 1)",
        "tenure IN (SELECT 1)",
        "tenure IN rows",
        "tenure IN sqlite_master",
        "tenure IN pragma_table_info('rows')",
        "tenure IN json_each('[1]')",
        "length(randomblob(1000000000)) > 1",
        "length(zeroblob(1000000000)) > 1",
        "hex(zeroblob(900000000)) > ''",
        "load_extension('x')",
        "readfile('/etc/passwd') > ''",
        "printf('%1000000000d', 1) > ''",
        "(WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT max(x) FROM r) > 1",
        "max(tenure) > 3",
        "count(*) > 1",
        "max(tenure) OVER () > 3",
        "rowid < 3",
        "_rowid_ < 3",
        '"row:number" < 3',
        "rows.tenure < 3",
        "date('now') > '2020'",
        "date() > '2020'",
        "CURRENT_TIME > 'a'",
        "strftime() > '2020'",
        "tenure > 3 ORDER BY 1",
        "tenure > 3 LIMIT 1",
        "(" * 300 + "1" + ")" * 300,
        "1" + " + 1" * 1000,
        "tenure <",
        "tenure > 3)",
        "'open",
        "\0",
        "tenure = '\ud800'",
        "",
        None,
        5,
    ],
)
def test_refuses_all_else(text: object) -> None:
    with pytest.raises(InvalidAnswer):
        validate_condition(text, COLUMNS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tenur < 3", "Did you mean tenure?"),
        ("tenur < 3", "The columns are: tenure, Contract"),
        ("education-num > 9", '"education-num"'),
        ("table > 60", '"table"'),
        ('Contract = "One year"', "'One year'"),
        ("tenure < 3; x", "character 11"),
        ("hex(tenure) > 1", "hex() is not allowed"),
        ("max(tenure) > 1", "max(a, b)"),
    ],
)
def test_says_what_where_and_which_columns(text: str, said: str) -> None:
    with pytest.raises(InvalidAnswer) as problem:
        validate_condition(text, COLUMNS)
    assert said in str(problem.value)


def test_columns_that_differ_in_case_only() -> None:
    assert validate_condition("Age > 3", ["Age", "age"]).columns == ("Age",)
    for text in ("AGE > 3", "Age > 3 AND age > 3"):
        with pytest.raises(InvalidAnswer):
            validate_condition(text, ["Age", "age"])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = validate_condition(text, COLUMNS)
    except InvalidAnswer:
        return
    assert set(found.columns) <= set(COLUMNS)


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20),
    st.integers(-72, 72).map(lambda eighths: eighths / 8),  # SQLite reads 3.475999671566867e-301 a last bit off
)
def test_any_name_in_quotes_is_its_column(name: str, value: float) -> None:
    condition = validate_condition(f"{quoted(name)} >= {value!r}", [name, "other one"])
    assert condition.columns == (name,)
    assert matching(condition, {name: "REAL"}, [(value,), (value - 1,), (None,)]) == [0]


def test_a_runaway_condition_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.conditions.STEPS_FREE", 1_000)
    monkeypatch.setattr("engine.data.conditions.STEPS_A_ROW", 1)
    with pytest.raises(InvalidAnswer, match="too long to work out"):
        matching(Condition("a > 1 AND a + a * a < 9", ("a",)), {"a": "REAL"}, [(5.0,)] * 5_000)


def test_patterns_cannot_explode() -> None:
    cells = [("a" * 20_000,)] * 20
    assert matching(Condition("a LIKE '" + "%a_" * 30 + "b'", ("a",)), {"a": "TEXT"}, cells) == []


def test_the_authorizer_holds_without_the_reading_of_tokens() -> None:
    """The second wall, tried with the first one left out."""
    for text in (
        "a IN (SELECT name FROM sqlite_master)",
        "a = randomblob(9)",
        "a IN (SELECT arg FROM pragma_compile_options)",
        "EXISTS (WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r)",
        "1); ATTACH DATABASE '/tmp/never.db' AS b; --",
        "1); DROP TABLE rows; --",
    ):
        with pytest.raises(InvalidAnswer):
            matching(Condition(text, ("a",)), {"a": "REAL"}, [(1.0,)])


class TestReadRules:
    def test_fills_in_the_positive_class(self) -> None:
        rules = read_rules([{"when": "tenure < 3"}, {"otherwise": "No"}], COLUMNS, labels=["No", "Yes"], positive="Yes")
        assert rules == [{"when": "tenure < 3", "then": "Yes"}, {"otherwise": "No"}]
        assert read_rules("tenure < 3", COLUMNS) == [{"when": "tenure < 3"}]

    def test_numbers(self) -> None:
        rules = read_rules([{"when": "tenure < 3", "then": "4"}], COLUMNS, task="regression")
        assert rules == [{"when": "tenure < 3", "then": 4.0}]

    @pytest.mark.parametrize(
        ("rules", "said"),
        [
            ([], "A rule is a list"),
            (3, "A rule is a list"),
            ([{"otherwise": "No"}], "no condition"),
            ([{"otherwise": "No"}, {"when": "tenure < 3"}], "Rule 1: otherwise stands alone, and last"),
            ([{"when": "tenure < 3", "than": "Yes"}], "than is not part"),
            ([{"when": "tenure < 3", "then": "Yess"}], "Did you mean Yes"),
            ([{"when": "tenure < 3"}, {"when": "tenur < 5"}], "Rule 2: there is no column tenur"),
            ([{"when": "tenure < 3"}] * 6, "at most 5"),
            (["tenure"], "not of the form"),
        ],
    )
    def test_says_which_rule_is_wrong(self, rules: object, said: str) -> None:
        with pytest.raises(InvalidAnswer) as problem:
            read_rules(rules, COLUMNS, labels=["No", "Yes"], positive="Yes")
        assert said in str(problem.value)

    @pytest.mark.parametrize("then", [None, "many", float("nan"), True, [1]])
    def test_regression_needs_a_number(self, then: object) -> None:
        with pytest.raises(InvalidAnswer):
            read_rules([{"when": "tenure < 3", "then": then}], COLUMNS, task="regression")


def test_it_is_light() -> None:
    heavy = "import sys, engine.data.conditions; sys.exit(bool({'pandas', 'numpy', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", heavy], check=False).returncode == 0
