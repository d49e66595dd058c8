"""Networks through the practice exams, on real tables: preparation, inner validation, a seed for each exam, curves."""

import hashlib
import json
from pathlib import Path

import pytest

from engine.data.profile import profile
from engine.errors import Cancelled
from engine.evaluation.crossval import cross_validate
from engine.models.networks.backend import HOW_TO_ADD, installed
from engine.models.networks.sanity import sanity

pytestmark = pytest.mark.skipif(not installed(), reason=HOW_TO_ADD)


class Bystander:
    """What a trial may use, without a store: it keeps what it is told and what it is given."""

    def __init__(self, path: Path, seed: int = 0, stop_after: float = float("inf")):
        self.path, self.seed, self.stop_after = path, seed, stop_after
        self.data, self.uses = "", ()
        self.told, self.kept = [], {}

    def source(self) -> Path:
        return self.path

    def evidence(self, key):
        raise KeyError(key)

    def report(self, progress):
        self.told.append(progress)
        if len(self.told) > self.stop_after:
            raise Cancelled("stopped")

    def keep(self, content, media_type):
        key = hashlib.sha256(content).hexdigest()
        self.kept[key] = content
        return key

    def fetch(self, digest):
        return self.kept[digest]


def recipe(ctx, target, task, metric, positive=None, leave_out=()):
    seen = profile({"read": None}, ctx)
    types = {c["name"]: c["type"] for c in seen["columns"] if c["name"] not in {target, *leave_out}}
    return {
        "read": seen["read"], "target": target, "task": task, "positive": positive, "types": types,
        "marks": {}, "group": None, "time": None, "keep_together": True, "costs": None, "metric": metric,
        "split": {"kind": "random" if task == "regression" else "stratified", "lockbox": 0.2, "seed": 0},
        "plan": {"folds": 5, "repeats": 1, "seed": 0},
    }  # fmt: skip


NET = {"name": "net_small", "settings": {}}


@pytest.fixture
def penguins(shared_data):
    return Bystander(shared_data / "penguins" / "train.csv")


def penguin_recipe(ctx):
    return recipe(ctx, "species", "multiclass", "log_loss")


def test_a_network_takes_the_practice_exams(penguins):
    params = {"recipe": penguin_recipe(penguins), "model": NET, "folds": 2}
    found = cross_validate(params, penguins)
    json.dumps(found, allow_nan=False)
    assert found["J"] == 2
    assert not found["failures"]
    assert found["intervals"]["accuracy"][0] > 0.95
    net = found["net"]
    assert net["curve"][0]["epoch"] == 0
    assert net["epochs_per_fold"][0] == net["epochs"] >= net["best_epoch"]
    points = [p.point for p in penguins.told if "validation loss" in p.point]
    assert {point["fold"] for point in points} == {1, 2}
    again = cross_validate(params, penguins)
    assert again["scores"] == found["scores"]
    assert again["oof"] == found["oof"]


def test_each_exam_has_a_seed_of_its_own(penguins):
    params = {"recipe": penguin_recipe(penguins), "model": NET, "folds": 1}
    first = cross_validate(params, penguins)["net"]["seed"]
    other = Bystander(penguins.path, seed=7)
    assert cross_validate(params, other)["net"]["seed"] == first + 7


def test_cancelling_stops_within_an_exam(penguins):
    stopping = Bystander(penguins.path, stop_after=5)
    with pytest.raises(Cancelled):
        cross_validate({"recipe": penguin_recipe(penguins), "model": NET}, stopping)
    assert len(stopping.told) == 6


@pytest.mark.slow
def test_telco_is_learned_about_as_well_as_by_a_line(shared_data):
    ctx = Bystander(shared_data / "telco" / "train.csv")
    asked = recipe(ctx, "Churn", "binary", "roc_auc", "Yes", leave_out={"customerID"})
    net, line = (
        cross_validate({"recipe": asked, "model": model, "folds": 3}, ctx)
        for model in (NET, {"name": "logistic", "settings": {}})
    )
    assert net["value"] > line["value"] - 0.015
    assert net["value"] > 0.82


@pytest.mark.slow
def test_numbers_are_learned_too(shared_data):
    ctx = Bystander(shared_data / "diamonds" / "train.csv")
    asked = recipe(ctx, "price", "regression", "mae")
    quick = {"name": "net_small", "settings": {"epochs": 6}}
    found = cross_validate({"recipe": asked, "model": quick, "folds": 1}, ctx)
    floor = cross_validate({"recipe": asked, "model": {"name": "median", "settings": {}}, "folds": 1}, ctx)
    assert found["value"] < 0.25 * floor["value"]


@pytest.mark.parametrize(
    ("name", "target", "task", "metric", "positive"),
    [
        ("penguins", "species", "multiclass", "log_loss", None),
        ("pima", "Class variable", "binary", "roc_auc", "1"),
        ("diamonds", "price", "regression", "rmse", None),
    ],
)
def test_sanity_holds_on_real_tables(shared_data, name, target, task, metric, positive):
    ctx = Bystander(shared_data / name / "train.csv")
    found = sanity({"recipe": recipe(ctx, target, task, metric, positive), "model": NET}, ctx)
    json.dumps(found, allow_nan=False)
    assert found["failed"] == [], found["checks"]
    assert [check["id"] for check in found["checks"]] == [f"C{i}" for i in range(9)]
