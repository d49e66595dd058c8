"""Each detector on rows made to set it off, and on rows that should leave it quiet."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.data.leaks import DETECTORS, leaks
from engine.errors import Cancelled
from engine.records import Progress, canonical
from tests.engine.data.table_files import Context, recipe

N = 600


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def look(
    folder: Path, frame: pd.DataFrame, types: dict[str, str], task: str = "binary", **options: Any
) -> dict[str, Any]:
    """The trial's value over a file; the target is the column y."""
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    made = recipe("y", types, task, **({"positive": "yes"} if task == "binary" else {}), **options)
    value = leaks({"recipe": made}, Context(path))
    canonical(value)  # plain JSON, no NaN
    return value


def found(value: dict[str, Any], detector: str) -> list[str]:
    return [f["column"] for f in value["findings"] if f["detector"] == detector]


def binary(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    """A number and a category that tell a little of y, and nothing more."""
    x = rng.normal(size=n)
    y = np.where(x + rng.normal(0, 2, n) > 0.5, "yes", "no")
    return pd.DataFrame({"x": x, "colour": rng.choice(["red", "green", "blue"], n), "y": y})


TYPES = {"x": "number", "colour": "category"}


def test_quiet_on_honest_rows(tmp_path: Path, rng: np.random.Generator) -> None:
    value = look(tmp_path, binary(rng), TYPES, lockbox=0.2)
    assert value["findings"] == []
    assert set(value["ran"]) == {"LK1", "LK2", "LK3", "LK4", "LK5", "LK7", "LK10", "LK11"}
    assert set(value["skipped"]) == {"LK6", "LK8", "LK9", "LK15"}
    assert all(value["skipped"].values())


def test_each_detector_says_its_rule_and_source() -> None:
    for detector in DETECTORS:
        assert detector.look.__doc__
        assert detector.look.__doc__.startswith(f"{detector.id}:")
        assert detector.source.startswith("L")


class TestTargetCopies:
    @pytest.mark.parametrize(
        ("yes", "no"), [("Yes", "No"), ("Y", "N"), ("1", "0"), ("yes.", "no."), ("true", "false"), ("alive", "dead")]
    )
    @pytest.mark.parametrize("kind", ["yes_no", "category"])
    def test_levels_map_one_to_one(
        self, tmp_path: Path, rng: np.random.Generator, yes: str, no: str, kind: str
    ) -> None:
        frame = binary(rng)
        frame["again"] = np.where(frame["y"] == "yes", yes, no)
        value = look(tmp_path, frame, {**TYPES, "again": kind})
        first = value["findings"][0]
        assert (first["detector"], first["column"], first["level"], first["exact"]) == ("LK1", "again", "red", True)
        assert first["sentence"].startswith("again alone tells y apart perfectly: its values map one to one (")
        assert found(value, "LK2") == []

    def test_several_spellings_of_a_level(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        frame["again"] = [rng.choice(["Yes", "Y", "1"] if y == "yes" else ["No", "n.", "0"]) for y in frame["y"]]
        assert look(tmp_path, frame, {**TYPES, "again": "category"})["findings"][0]["exact"]

    def test_number_that_codes_three_classes(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        frame["y"] = rng.choice(["a", "b", "c"], N)
        frame["code"] = frame["y"].map({"a": 5.5, "b": -1, "c": 7})
        value = look(tmp_path, frame, {**TYPES, "code": "number"}, "multiclass")
        assert found(value, "LK1") == ["code"]
        assert "5.5 = a" in value["findings"][0]["sentence"]

    def test_filled_in_for_one_class_only(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        frame["closed"] = np.where(frame["y"] == "yes", "closed", "")
        value = look(tmp_path, frame, {**TYPES, "closed": "category"})
        assert "empty = no" in value["findings"][0]["sentence"]
        assert found(value, "LK4") == ["closed"]

    def test_partly_filled_copy(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        frame["again"] = np.where(rng.random(N) < 0.2, "", frame["y"])
        value = look(tmp_path, frame, {**TYPES, "again": "category"})
        assert found(value, "LK1") == ["again"]
        assert "wherever it is filled in" in value["findings"][0]["sentence"]

    def test_one_wrong_row_is_no_exact_copy_but_red(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        frame["again"] = frame["y"]
        frame.loc[3, "again"] = "no" if frame["y"][3] == "yes" else "yes"
        value = look(tmp_path, frame, {**TYPES, "again": "category"})
        assert (found(value, "LK1"), found(value, "LK2")) == ([], ["again"])
        assert value["findings"][0]["level"] == "red"
        assert not value["findings"][0]["exact"]

    def test_a_key_is_no_copy(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng).assign(y=rng.normal(size=N), key=[f"k{i:04}" for i in range(N)])
        assert look(tmp_path, frame, {**TYPES, "key": "category"}, "regression")["findings"] == []


def amounts(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    """A taxi ride: fare, tip, tolls (rare) in cents' precision, and a distance that goes with the fare."""
    distance = rng.gamma(2, 3, n).round(2)
    fare = (2.5 + 2 * distance + rng.normal(0, 1, n)).round(2)
    tip = (rng.random(n) * 4).round(2)
    tolls = np.where(rng.random(n) < 0.05, 6.12, 0.0)
    return pd.DataFrame({"distance": distance, "fare": fare, "tip": tip, "tolls": tolls})


class TestNumbersThatMakeTheTarget:
    @pytest.mark.parametrize(
        ("how", "exact"),
        [
            (lambda y: y, True),
            (lambda y: y * 100, True),
            (lambda y: -3 * y + 7, True),
            (lambda y: np.exp(y / 5), False),
        ],
    )
    def test_one_column(self, tmp_path: Path, rng: np.random.Generator, how: Any, exact: bool) -> None:
        frame = binary(rng)
        frame["y"] = rng.normal(10, 4, N)
        frame["twin"] = how(frame["y"])
        value = look(tmp_path, frame, {**TYPES, "twin": "number"}, "regression")
        assert found(value, "LK1") == ["twin"]
        assert value["findings"][0]["exact"] is exact

    def test_money_text(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng).assign(y=rng.integers(1_000, 90_000, N))
        frame["shown"] = [f"${v:,}" for v in frame["y"]]
        assert found(look(tmp_path, frame, {**TYPES, "shown": "category"}, "regression"), "LK1") == ["shown"]

    @pytest.mark.parametrize(
        ("formula", "sign"),
        [
            ("fare + tip", "+"),
            ("fare - tip", "−"),
            ("fare * tip", "·"),
            ("fare / distance", "/"),
            ("fare * tip / 100", "·"),
        ],
    )
    def test_pairs(self, tmp_path: Path, rng: np.random.Generator, formula: str, sign: str) -> None:
        frame = amounts(rng)
        frame["y"] = frame.eval(formula)
        value = look(tmp_path, frame, dict.fromkeys(frame.columns[:-1], "number"), "regression")
        first = value["findings"][0]
        assert first["detector"] == "LK1"
        assert sign in first["sentence"]
        assert set(first["columns"]) == set(formula.replace("100", "").split()) & set(frame.columns)
        assert not first["exact"]

    def test_a_toll_of_two_prices_is_an_amount(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = amounts(rng)
        frame["y"] = (frame["fare"] + frame["tip"] + frame["tolls"]).round(2)
        types = {**dict.fromkeys(frame.columns[:-1], "number"), "tolls": "yes_no"}
        first = look(tmp_path, frame, types, "regression")["findings"][0]
        assert (first["detector"], set(first["columns"])) == ("LK1", {"fare", "tip", "tolls"})

    def test_total_with_rare_tolls(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = amounts(rng, 4_000)
        frame["y"] = (frame["fare"] + frame["tip"] + frame["tolls"]).round(2)
        broken = rng.random(len(frame)) < 0.02
        frame.loc[broken, "y"] += rng.normal(0, 3, broken.sum())
        value = look(tmp_path, frame, dict.fromkeys(frame.columns[:-1], "number"), "regression")
        first = value["findings"][0]
        assert first["detector"] == "LK1"
        assert set(first["columns"]) == {"fare", "tip", "tolls"}
        assert first["column"] == "fare"

    def test_total_with_surcharges_of_a_price_list(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = amounts(rng, 2_000)
        night = rng.random(2_000) < 0.3
        fee = np.where(frame["tolls"] > 0, 4.3, rng.choice([0.8, 1.3, 3.3, 3.8], 2_000)) + 0.5 * night
        frame["tip"] += np.where(fee > 3, 1.0, 0.0).round(2)  # fees and tips go together, and pull at the coefficients
        frame["y"] = (frame["fare"] + frame["tip"] + frame["tolls"] + fee).round(2)
        value = look(tmp_path, frame, dict.fromkeys(frame.columns[:-1], "number"), "regression")
        first = value["findings"][0]
        assert (first["detector"], first["level"], first["column"]) == ("LK1", "red", "fare")
        assert {"fare", "tip"} <= set(first["columns"]) <= {"fare", "tip", "tolls"}
        assert "amounts (" in first["sentence"]
        assert "distance" not in first["columns"]

    def test_whole_numbers_that_go_together_are_no_sum_with_fees(
        self, tmp_path: Path, rng: np.random.Generator
    ) -> None:
        a, b = rng.integers(0, 60, (2, 2_000))
        frame = pd.DataFrame({"a": a, "b": b, "y": a + b + rng.integers(-2, 3, 2_000)})
        value = look(tmp_path, frame, {"a": "number", "b": "number"}, "regression")
        assert found(value, "LK1") == []

    def test_the_other_parts_of_a_sum_are_asked_about(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = pd.DataFrame({"member": rng.poisson(90, N), "casual": rng.poisson(9, N), "x": rng.normal(size=N)})
        frame["y"] = frame["member"] + frame["casual"]
        value = look(tmp_path, frame, dict.fromkeys(["member", "casual", "x"], "number"), "regression")
        assert [(f["column"], f["level"]) for f in value["findings"]] == [("member", "red"), ("casual", "amber")]

    def test_a_mostly_zero_target_is_not_rebuilt_by_zeros(self, tmp_path: Path, rng: np.random.Generator) -> None:
        def rare() -> np.ndarray:
            return np.where(rng.random(4_000) < 0.004, rng.gamma(2, 100, 4_000), 0.0)

        frame = pd.DataFrame({"a": rare(), "b": rare(), "c": rng.normal(size=4_000), "y": rare()})
        value = look(tmp_path, frame, {"a": "number", "b": "number", "c": "number"}, "regression")
        assert found(value, "LK1") == []

    def test_joint_identity(self, tmp_path: Path, rng: np.random.Generator) -> None:
        X = rng.normal(size=(N, 4))
        frame = pd.DataFrame(X, columns=list("abcd")).assign(y=X @ [0.3, 0.2, 0.5, 0.1] + rng.normal(0, 1e-4, N))
        value = look(tmp_path, frame, dict.fromkeys("abcd", "number"), "regression")
        assert found(value, "LK6") == ["c"]
        assert found(value, "LK1") == []


class TestOneColumn:
    def test_near_perfect_is_red_and_very_good_amber(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng, 2_000)
        ones = (frame["y"] == "yes").to_numpy()
        frame["red"] = ones + rng.normal(0, 0.2, 2_000)
        frame["amber"] = ones + rng.normal(0, 0.42, 2_000)
        frame["level"] = [f"{'a' if (rng.random() < 0.999) == one else 'b'}{rng.integers(9)}" for one in ones]
        types = {**TYPES, "red": "number", "amber": "number", "level": "category"}
        value = look(tmp_path, frame, types)
        levels = {f["column"]: f["level"] for f in value["findings"] if f["detector"] == "LK2"}
        assert levels == {"red": "red", "amber": "amber", "level": "red"}

    def test_missing_tells(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        frame["left"] = np.where((frame["y"] == "yes") ^ (rng.random(N) < 0.03), rng.normal(size=N), np.nan)
        value = look(tmp_path, frame, {**TYPES, "left": "number"})
        assert found(value, "LK4") == ["left"]
        assert "is empty in" in value["findings"][0]["sentence"]

    def test_a_rare_class_is_skipped_with_the_reason(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        frame["y"] = np.where(np.arange(N) % 40 == 0, "yes", "no")
        value = look(tmp_path, frame, TYPES)
        assert value["skipped"]["LK2"] == "class yes has 15 rows; 20 are needed"
        assert {"LK2", "LK4", "LK5"} <= set(value["skipped"])
        assert "LK1" in value["ran"]


class TestNames:
    def test_late_words_and_the_targets_own(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        names = {"FinalGrade": "number", "close_date": "number", "discloses": "number", "marital-status": "category"}
        names["previous_result"] = "category"
        for name in names:
            frame[name] = rng.integers(0, 9, N)
        value = look(tmp_path, frame, {**TYPES, **names})
        assert found(value, "LK3") == ["FinalGrade", "close_date"]  # neither of the others is an outcome of this

    def test_own_word(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng).rename(columns={"y": "default payment"}).assign(default_reason=rng.integers(0, 5, N))
        path = tmp_path / "rows.csv"
        frame.to_csv(path, index=False)
        made = recipe("default payment", {**TYPES, "default_reason": "number"}, positive="yes")
        assert found(leaks({"recipe": made}, Context(path)), "LK3") == ["default_reason"]

    def test_selected_before(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng).assign(pc1=rng.normal(size=N), PC_2=rng.normal(size=N), pc_maker=rng.normal(size=N))
        value = look(tmp_path, frame, {**TYPES, "pc1": "number", "PC_2": "number", "pc_maker": "number"})
        assert [f["columns"] for f in value["findings"] if f["detector"] == "LK11"] == [["pc1", "PC_2"]]


class TestTheFile:
    def test_sorted_file(self, tmp_path: Path, rng: np.random.Generator) -> None:
        value = look(tmp_path, binary(rng).sort_values("y"), TYPES)
        assert [(f["detector"], f["column"], f["level"]) for f in value["findings"]] == [("LK5", "", "amber")]

    def test_key_of_a_sorted_file_that_was_shuffled(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng).sort_values("y").assign(number=range(1, N + 1)).sample(frac=1, random_state=1)
        assert found(look(tmp_path, frame, {**TYPES, "number": "number"}), "LK5") == ["number"]

    def test_scaled_with_everything(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        raw = rng.gamma(2, 3, (2, N))
        frame["age"] = (raw[0] - raw[0].mean()) / raw[0].std()
        frame["height"] = (raw[1] - raw[1].min()) / np.ptp(raw[1])
        frame["hit_rate"] = frame["height"]
        frame["half"] = rng.choice([0, 0.5, 1], N)
        value = look(
            tmp_path, frame, {**TYPES, **dict.fromkeys(["age", "height", "hit_rate", "half"], "number")}, lockbox=0.2
        )
        assert [f["columns"] for f in value["findings"] if f["detector"] == "LK10"] == [["age", "height"]]

    def test_scaled_to_length_one(self, tmp_path: Path, rng: np.random.Generator) -> None:
        x = rng.normal(size=N)
        frame = binary(rng).assign(bmi=(x - x.mean()) / np.linalg.norm(x - x.mean()))
        value = look(tmp_path, frame, {**TYPES, "bmi": "number"})
        assert found(value, "LK10") == ["bmi"]

    def test_one_measurement_in_hundredths_from_0_to_1_is_none(self, tmp_path: Path, rng: np.random.Generator) -> None:
        acid = (rng.integers(0, 101, (2, N)) / 100).round(2)
        acid[:, :2] = [0, 1]
        frame = binary(rng).assign(acid=acid[0])
        assert look(tmp_path, frame, {**TYPES, "acid": "number"})["findings"] == []
        value = look(tmp_path, frame.assign(salt=acid[1]), {**TYPES, "acid": "number", "salt": "number"})
        assert [f["columns"] for f in value["findings"]] == [["acid", "salt"]]

    @pytest.mark.parametrize(("name", "kind"), [("day", "date"), ("year", "number")])
    def test_a_file_in_the_order_of_time_drifts_and_is_not_sorted(
        self, tmp_path: Path, rng: np.random.Generator, name: str, kind: str
    ) -> None:
        frame = binary(rng).sort_values("y")
        assert found(look(tmp_path, frame, TYPES), "LK5") == [""]
        when = pd.date_range("2020-01-01", periods=N) if kind == "date" else 1990 + np.arange(N) // 30
        value = look(tmp_path, frame.assign(**{name: when}), {**TYPES, name: kind})
        assert found(value, "LK5") == []
        assert "drift" in value["skipped"]["LK5"]

    def test_copies_are_counted_and_stay_together(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng)
        value = look(tmp_path, pd.concat([frame, frame[:100]]).sample(frac=1, random_state=0), TYPES)
        assert value["copies"] == {"rows": 200, "sets": 100, "would_straddle": 160}
        assert found(value, "LK7") == []
        assert "LK7" in value["ran"]


class TestGroupsAndTimes:
    def grouped(self, rng: np.random.Generator) -> pd.DataFrame:
        """60 patients of 20 rows: y belongs to the patient, x is a fingerprint of the patient."""
        who = np.repeat(np.arange(60), 20)
        frame = pd.DataFrame({"who": who, "x": rng.normal(size=60)[who] + rng.normal(0, 0.01, len(who))})
        frame["z"] = rng.normal(size=60)[who] + rng.normal(0, 0.01, len(who))
        return frame.assign(y=np.where(rng.random(60) < 0.5, "yes", "no")[who]).sample(frac=1, random_state=0)

    def test_group(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame, types = self.grouped(rng), {"x": "number", "z": "number"}
        value = look(tmp_path, frame, types, group="who")
        assert [f["level"] for f in value["findings"] if f["detector"] == "LK8"] == ["red"]
        settled = look(tmp_path, frame, types, group="who", kind="group")
        assert found(settled, "LK8") == []
        assert [f["detector"] for f in settled["settled"]] == ["LK8"]

    def test_time(self, tmp_path: Path, rng: np.random.Generator) -> None:
        frame = binary(rng, 1_000)
        day = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(1_000), "D")
        frame["day"] = day
        frame["billed"] = day - pd.to_timedelta(30, "D")
        frame["left_on"] = day + pd.to_timedelta(rng.integers(-9, 9, 1_000), "D")
        frame["prices"] = np.arange(1_000) / 300 + rng.normal(size=1_000)
        types = {**TYPES, "billed": "date", "left_on": "date", "prices": "number"}
        value = look(tmp_path, frame, types, time="day", kind="time")
        assert found(value, "LK9") == ["left_on"]
        drift = [f for f in value["findings"] if f["detector"] == "LK15"]
        assert drift[0]["columns"][0] == "prices"
        assert "drift" in value["skipped"]["LK5"]


def test_never_a_lockbox_row(tmp_path: Path, rng: np.random.Generator) -> None:
    """What the lockbox holds of the target changes nothing that is found."""
    from engine.data.splitting import lockbox_and_plan
    from engine.data.table import load

    frame = binary(rng)
    frame["again"] = frame["y"]
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    made = recipe("y", {**TYPES, "again": "category"}, positive="yes", lockbox=0.2)
    before = leaks({"recipe": made}, Context(path))
    lockbox = lockbox_and_plan(load(path, made), made).lockbox
    spoilt = frame.copy()
    swapped = {"yes": "no", "no": "yes"}
    spoilt.loc[lockbox, "again"] = spoilt.loc[lockbox, "again"].map(swapped)
    spoilt.to_csv(path, index=False)
    after = leaks({"recipe": made}, Context(path))
    assert found(before, "LK1") == found(after, "LK1") == ["again"]


def test_stops_when_asked(tmp_path: Path, rng: np.random.Generator) -> None:
    class Stopped(Context):
        def report(self, progress: Progress) -> None:
            super().report(progress)
            if len(self.reports) > 3:
                raise Cancelled("stopped")

    path = tmp_path / "rows.csv"
    binary(rng).to_csv(path, index=False)
    with pytest.raises(Cancelled):
        leaks({"recipe": recipe("y", TYPES, positive="yes")}, Stopped(path))


def test_names_with_markup_and_quotes(tmp_path: Path, rng: np.random.Generator) -> None:
    odd = "[red]\"so'{x}"
    frame = binary(rng)
    frame[odd] = frame["y"]
    assert found(look(tmp_path, frame, {**TYPES, odd: "category"}), "LK1") == [odd]
