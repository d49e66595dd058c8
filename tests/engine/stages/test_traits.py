"""What is recommended for tables of one awkward trait each, as strangers bring them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.data.splitting import lockbox_and_plan
from engine.data.table import load
from engine.errors import InvalidAnswer
from engine.questions import Level
from engine.stages import CATALOGUE
from engine.stages.ladder import model
from tests.engine.stages.problems import signal
from tests.engine.walking import Walk, asked, said

FEW_EXAMS = {"split.plan": {"folds": 3, "repeats": 2}}


def table(path: Path, target: np.ndarray, n: int = 300, **columns: np.ndarray) -> tuple[Walk, pd.DataFrame]:
    frame = signal(n)[0].assign(**columns, goal=target)
    frame.to_csv(path, index=False)
    return Walk(path), frame


def labels(n: int = 300, cut: float = 0.5) -> np.ndarray:
    score = signal(n)[1]
    return np.where(score > np.quantile(score, cut), "yes", "no")


def test_a_table_pasted_twice_is_kept_together(tmp_path: Path) -> None:
    _, frame = table(tmp_path / "once.csv", labels())
    pd.concat([frame, frame]).sample(frac=1, random_state=0).to_csv(tmp_path / "twice.csv", index=False)
    c = Walk(tmp_path / "twice.csv").headless({"problem.target": "goal"}, stop_after="prepare")
    ask = asked(c, "data.duplicates")
    assert ask.recommended == "keep"
    assert [o.level for o in ask.judge("repeats").objections] == [Level.HOLD]
    assert c.session.recipe()["keep_together"] is True
    assert said(c, "data.leak_checks").choice == "clean"


def test_rows_of_few_values_repeat_by_chance(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    few = pd.DataFrame({"size": rng.choice(list("SML"), 300), "colour": rng.choice(["red", "blue"], 300)})
    few.assign(goal=labels()).to_csv(tmp_path / "few.csv", index=False)
    c = Walk(tmp_path / "few.csv").headless({"problem.target": "goal"}, stop_after="prepare")
    assert asked(c, "data.duplicates").recommended == "repeats"
    checked = said(c, "data.leak_checks")
    assert (checked.level, checked.flags) == ("note", ())  # the copies were expected: nothing to flag


def test_the_rare_one_of_yes_and_no_is_looked_for(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "paid.csv", labels(cut=0.1))
    c = walk.headless({"problem.target": "goal"}, stop_after="define")
    assert said(c, "problem.positive").choice == "no"
    assert said(c, "problem.metric").choice == "average_precision"
    usual = walk.headless({"problem.target": "goal", "problem.positive": "yes"}, stop_after="define")
    assert said(usual, "problem.metric").choice == "roc_auc"  # average precision would be blind
    assert said(usual, "problem.metric").level == ""


def test_codes_one_and_two_are_no_yes_and_no(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "codes.csv", np.where(labels(cut=0.7) == "yes", 2, 1))
    assert said(walk.headless({"problem.target": "goal"}, stop_after="define"), "problem.positive").choice == "2"


@pytest.mark.parametrize("what", ["texts", "dates", "values"])
def test_what_is_neither_class_nor_number_is_no_target(tmp_path: Path, what: str) -> None:
    made = {
        "texts": [f"what customer {i} wrote to us in {i} words" for i in range(300)],
        "dates": pd.date_range("2024-01-01", periods=300).strftime("%Y-%m-%d"),
        "values": [f"part {i // 1.5:.0f}-{chr(97 + i % 26)}" for i in range(300)],
    }
    walk, _ = table(tmp_path / "odd.csv", np.array(made[what]))
    with pytest.raises(InvalidAnswer, match=rf"problem\.target: “goal” holds \d+ different {what}.*another column"):
        walk.headless({"problem.target": "goal"}, stop_after="define")


def test_denying_that_entities_come_back_is_measured(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shop = rng.permutation(np.repeat(np.arange(60), 5))
    frame = pd.DataFrame({"shop_id": shop, "area": rng.normal(100, 20, 60)[shop].round(2), "rain": rng.random(300)})
    frame["goal"] = (rng.normal(50, 20, 60)[shop] + rng.normal(0, 2, 300)).round(2)
    frame["day"] = pd.date_range("2024-01-01", periods=300).strftime("%Y-%m-%d")
    frame.to_csv(tmp_path / "shops.csv", index=False)
    walk = Walk(tmp_path / "shops.csv")
    why = {"problem.unit": "The chain manager says that every row is a fresh customer of that shop."}
    c = walk.headless({"problem.target": "goal", "problem.unit": "none"}, why, stop_after="prepare")
    checked = said(c, "data.leak_checks")
    assert "Tested on new values of shop_id, the R² of the boosted trees is" in checked.reason
    assert "M10" in checked.flags
    apart = walk.headless({"problem.target": "goal"}, stop_after="prepare")
    assert said(apart, "data.leak_checks").choice == "clean"  # the split goes by it: nothing is hidden


def test_every_use_that_some_task_offers_may_stand_in_a_plan(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "amounts.csv", signal(300)[1].round(3))
    c = walk.headless({"problem.target": "goal", "problem.use": "totals"}, stop_after="define")
    assert said(c, "problem.metric").choice == "rmse"
    for use in ("action", "ranked", "probability", "all", "totals", "relative"):
        assert CATALOGUE["problem.use"].read(use) == use
    with pytest.raises(InvalidAnswer, match="'totals' is not offered; it takes action, ranked, probability, all"):
        table(tmp_path / "classes.csv", labels())[0].headless(
            {"problem.target": "goal", "problem.use": "totals"}, stop_after="define"
        )


def test_a_rule_that_cannot_be_read_names_its_question(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "rule.csv", labels())
    with pytest.raises(InvalidAnswer, match=r"problem\.rule: There is no column tenur\."):
        walk.headless({"problem.target": "goal", "problem.rule": "tenur < 3"}, stop_after="define")


def grades(**rows: int) -> np.ndarray:
    made = np.repeat(list(rows), list(rows.values()))
    return np.random.default_rng(0).permutation(made)


def test_a_class_of_a_few_rows_is_left_out_so_that_the_others_can_be_examined(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "grades.csv", grades(low=150, high=144, odd=6))
    c = walk.headless({"problem.target": "goal"}, stop_after="prepare")
    quality, drawn = said(c, "data.target_quality"), said(c, "split.drawn")
    assert (quality.choice, quality.level) == ("leave_out", "flag")
    assert "“odd” has 6 rows: too few to be examined. Without 6 rows of 300 the others" in quality.reason
    assert drawn.check is not None
    assert (drawn.check.details["dev"], drawn.check.details["tiny"]) == (294, False)
    kept = walk.headless({"problem.target": "goal", "data.target_quality": "drop"}, stop_after="prepare")
    assert "rare" not in kept.session.recipe()


def test_classes_of_a_few_rows_are_put_together(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "grades.csv", grades(low=140, high=130, odd=9, rare=8, seldom=13))
    c = walk.headless({"problem.target": "goal"}, stop_after="baseline")
    assert said(c, "data.target_quality").choice == "merge"
    assert said(c, "split.drawn").check.details["tiny"] is False
    exams = said(c, "baseline.dummy").evidence[0]
    assert [row["label"] for row in walk.evidence.get(exams).value["per_class"]] == ["high", "low", "other"]
    priced = {"problem.target": "goal", "problem.costs": {"otherwise": 1}}  # prices speak of the classes as they are
    assert said(walk.headless(priced, stop_after="prepare"), "data.target_quality").choice == "drop"


@pytest.mark.slow
def test_models_of_numbers_aim_at_what_is_rewarded(tmp_path: Path) -> None:
    _, score, rng = signal(400)
    walk, _ = table(tmp_path / "stock.csv", (100 + 20 * score + rng.normal(0, 9, 400)).round(2), 400)
    costs = {"problem.target": "goal", "problem.costs": {"under": 3, "over": 1}, **FEW_EXAMS}
    c = walk.headless(costs, stop_after="baseline")
    floor = said(c, "baseline.dummy")
    assert floor.choice == "quantile"
    assert floor.check is not None
    assert floor.check.details["model"]["settings"]["quantile"] == 0.75
    c = walk.headless({"problem.target": "goal", **FEW_EXAMS}, stop_after="baseline")
    assert "quantile" not in [o.key for o in said(c, "baseline.dummy").options]
    assert model(c.session, "boosting")["settings"]["loss"] == "absolute_error"
    grown = model(c.session, "forest")["settings"]
    assert (grown["min_samples_leaf"], grown["max_features"]) == (1, 1.0)


@pytest.mark.slow
def test_a_model_that_earns_it_but_breaks_a_limit_is_told_so(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "slow.csv", labels())
    answers = {"problem.target": "goal", "problem.latency": 0.001, "simple.candidates": ["logistic"], **FEW_EXAMS}
    reason = asked(walk.headless(answers, stop_after="simple"), "simple.champion").reason
    assert reason.startswith(
        "No model within your limits beat Best single column. Logistic regression earns it on score,"
    )
    assert "your limit is 0.001 ms." in reason


def reviews(path: Path, n: int = 120) -> Walk:
    """Texts of two classes, each there a second time with a word changed and other signs."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("aeioubdglmnrst"), 6)) for _ in range(2000)])
    texts = [" ".join(rng.choice(words, 60)) for _ in range(n)]
    again = [f"{text.replace(' ', ', ', 1)} indeed!" for text in texts]
    label = rng.choice(["good", "bad"], n)
    frame = pd.DataFrame({"text": texts + again, "label": np.r_[label, label]})
    frame.sample(frac=1, random_state=0).to_csv(path, index=False)
    return Walk(path)


def test_near_copies_of_texts_stay_on_one_side(tmp_path: Path) -> None:
    walk = reviews(tmp_path / "reviews.csv")
    answers = {"problem.target": "label", **FEW_EXAMS}
    c = walk.headless(answers, stop_after="prepare")
    ask = asked(c, "data.duplicates")
    assert ask.recommended == "keep"
    assert "240 rows are near copies of another, in 120 sets" in ask.reason
    assert [o.key for o in ask.options] == ["keep", "equal", "repeats"]
    assert [o.level for o in ask.judge("equal").objections] == [Level.HOLD]
    checked = ask.judge("keep").check
    assert checked is not None
    assert checked.value == 240
    recipe = c.session.recipe()
    assert parted(tmp_path / "reviews.csv", recipe) == 0
    assert parted(tmp_path / "reviews.csv", {**recipe, "near": False}) > 20


def parted(path: Path, recipe: dict) -> int:
    """How many pairs lie on both sides of the lockbox or of a practice exam."""
    whole = load(path, recipe)
    first = pd.Series(
        [str(text).replace(",", "").removesuffix(" indeed!") for text in whole.frame["text"]]
    ).factorize()[0]
    splits = lockbox_and_plan(whole, recipe)
    sides = [(splits.dev, splits.lockbox), *splits.folds]
    return sum(len(np.intersect1d(first[a], first[b])) for a, b in sides)


def test_tables_have_no_near_copies_to_ask_about(tmp_path: Path) -> None:
    walk, _ = table(tmp_path / "plain.csv", labels())
    c = walk.headless({"problem.target": "goal"}, stop_after="prepare")
    assert [o.key for o in asked(c, "data.duplicates").options] == ["keep", "repeats"]
    assert "near" not in c.session.recipe()
