"""A rule on a table: which row it decides, and as a model."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from engine.data.rules import RuleClassifier, RuleRegressor, RuleSet, check_rule, evaluate
from engine.errors import DataProblem
from tests.engine.data.table_files import Context, recipe


@pytest.fixture
def frame() -> pd.DataFrame:
    """Six rows with a number, a text, a 0/1 text and a date, each with something missing."""
    return pd.DataFrame(
        {
            "tenure": [1.0, 9.0, 10.0, 100.0, np.nan, 12.0],
            "Contract": ["One year", "Month-to-month", None, "Two year", "one year", "9"],
            "Senior": ["0", "1", "1", "0", None, "1"],
            "day": pd.to_datetime(
                ["2020-01-01", "2020-06-01 05:00", "2021-01-01", None, "2022-02-02", "2019-12-31"], format="ISO8601"
            ),
        }
    )


def rows_of(text: str, frame: pd.DataFrame) -> list[int]:
    return np.flatnonzero(RuleSet([{"when": text, "then": "x"}], list(frame.columns)).first_match(frame) == 0).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tenure < 12", [0, 1, 2]),  # as numbers: 9 is below 12, and 100 is not
        ("tenure < '12'", [0, 1, 2]),
        ("tenure IS NULL", [4]),
        ("NOT tenure < 12", [3, 5]),  # missing is neither below nor not below
        ("Contract = 'One year'", [0]),
        ("Contract COLLATE NOCASE = 'one year'", [0, 4]),
        ("Contract > '10'", [0, 1, 3, 4, 5]),  # as text
        ("Senior = 1", [1, 2, 5]),
        ("Senior = '1'", [1, 2, 5]),
        ("day >= '2020-06-01'", [1, 2, 4]),
        ("day = '2021-01-01'", [2]),
        ("tenure < -5", []),
        ("1", [0, 1, 2, 3, 4, 5]),
        ("CONTRACT IS NOT NULL", [0, 1, 3, 4, 5]),
    ],
)
def test_values_compare_as_their_types(frame: pd.DataFrame, text: str, expected: list[int]) -> None:
    assert rows_of(text, frame) == expected


def test_first_match_decides_across_chunks(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [{"when": "tenure < 12", "then": "a"}, {"when": "tenure < 50", "then": "b"}, {"otherwise": "c"}]
    whole = evaluate(rules, frame)
    assert whole.tolist() == ["a", "a", "a", "c", "c", "b"]
    monkeypatch.setattr("engine.data.rules.CHUNK", 2)
    assert evaluate(rules, frame).tolist() == whole.tolist()
    assert evaluate(rules[:1], frame).tolist() == ["a", "a", "a", None, None, None]


def test_other_index_and_no_rows(frame: pd.DataFrame) -> None:
    assert rows_of("tenure < 12", frame.set_index(pd.Index(range(7, 13)))) == [0, 1, 2]
    assert len(evaluate([{"when": "tenure < 12", "then": "a"}], frame.iloc[:0])) == 0


def test_a_column_that_is_gone(frame: pd.DataFrame) -> None:
    with pytest.raises(DataProblem, match="no column tenure"):
        evaluate([{"when": "tenure < 12", "then": "a"}], frame.drop(columns="tenure"))


class TestClassifier:
    def test_codes_and_the_other_class(self, frame: pd.DataFrame) -> None:
        model = RuleClassifier([{"when": "tenure < 12"}], labels=["No", "Yes"], positive="Yes")
        model = clone(model).fit(frame, np.array([0, 1, 1, 0, 0, 0]))
        assert model.predict(frame).tolist() == [1, 1, 1, 0, 0, 0]
        shares = model.predict_proba(frame)
        assert shares[0].tolist() == pytest.approx([0.001, 0.999])
        assert np.allclose(shares.sum(axis=1), 1)

    def test_the_score_does_not_hang_on_the_training_part(self, frame: pd.DataFrame) -> None:
        model = RuleClassifier([{"when": "tenure < 12", "then": "Yes"}, {"otherwise": "No"}], labels=["No", "Yes"])
        one = model.fit(frame, np.array([0, 1, 1, 0, 0, 0])).predict_proba(frame)
        other = model.fit(frame, np.array([1, 0, 0, 1, 1, 1])).predict_proba(frame)
        assert np.array_equal(one, other)

    def test_three_classes_fall_back_on_the_commonest(self, frame: pd.DataFrame) -> None:
        model = RuleClassifier([{"when": "tenure < 12", "then": "c"}]).fit(frame, np.array(list("abbbca")))
        assert model.predict(frame).tolist() == ["c", "c", "c", "b", "b", "b"]
        assert model.predict_proba(frame).shape == (6, 3)

    @pytest.mark.parametrize("then", [None, "d"])
    def test_a_class_that_is_not_there(self, frame: pd.DataFrame, then: str | None) -> None:
        with pytest.raises(DataProblem, match="the classes are"):
            RuleClassifier([{"when": "tenure < 12", "then": then}]).fit(frame, np.array(list("abbbca")))


class TestRegressor:
    def test_otherwise_or_the_median(self, frame: pd.DataFrame) -> None:
        y = np.array([1.0, 2, 3, 4, 50, 60])
        rules = [{"when": "tenure < 12", "then": 7}]
        assert RuleRegressor(rules).fit(frame, y).predict(frame).tolist() == [7, 7, 7, 3.5, 3.5, 3.5]
        assert RuleRegressor([*rules, {"otherwise": -1}]).fit(frame, y).predict(frame).tolist()[3:] == [-1, -1, -1]

    def test_needs_numbers(self, frame: pd.DataFrame) -> None:
        with pytest.raises(DataProblem, match="must be one"):
            RuleRegressor([{"when": "tenure < 12", "then": "many"}]).fit(frame, np.zeros(6))


class TestTrial:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "shop.csv"
        lines = [f"{i},{'Month-to-month' if i % 3 else 'One year'},{'Yes' if i % 4 == 0 else 'No'}" for i in range(600)]
        path.write_text("age (years),Contract,Churn\n" + "\n".join(lines) + "\n")
        return path

    def test_counts_development_rows(self, file: Path) -> None:
        made = recipe("Churn", {"age (years)": "number", "Contract": "category"}, positive="Yes", lockbox=0.2)
        rules = [{"when": "\"age (years)\" >= 0 AND Contract = 'One year'"}, {"when": "1"}, {"otherwise": "No"}]
        said = check_rule({"recipe": made, "rules": rules}, Context(file))
        assert said["ok"]
        assert said["rows"] == 480
        assert sum(said["matches"]) == 480
        assert said["otherwise"] == 0
        assert said["rules"][0]["then"] == "Yes"

    def test_bad_sql_is_a_problem_with_the_data(self, file: Path) -> None:
        made = recipe("Churn", {"age (years)": "number", "Contract": "category"}, positive="Yes")
        with pytest.raises(DataProblem, match=r"There is no column contrct. Did you mean Contract\?"):
            check_rule({"recipe": made, "rules": [{"when": "contrct = 'x'"}]}, Context(file))


@pytest.mark.slow
def test_a_rule_on_telco(shared_data: Path) -> None:
    types = {"tenure": "number", "Contract": "category", "InternetService": "category"}
    made = recipe("Churn", types, positive="Yes", lockbox=0.2)
    rules = [{"when": "Contract = 'Month-to-month' AND tenure < 12"}]
    said = check_rule({"recipe": made, "rules": rules}, Context(shared_data / "telco" / "train.csv"))
    assert 0.2 < said["matches"][0] / said["rows"] < 0.4
