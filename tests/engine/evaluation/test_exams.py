"""Practice exams wherever they are taken: the same figures to the bit, and none is taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data.table import load
from engine.errors import DataProblem
from engine.evaluation.bench import bench_of
from engine.evaluation.crossval import read_out_of_fold
from engine.evaluation.exams import exams_of, pack, read, rows_of, take_exam
from engine.models.catalogue import as_model
from engine.records import Evidence, Progress, Trial
from engine.runners.again import FreshArtifacts, FreshEvidence
from engine.runners.context import Workplace
from engine.runners.hands import Done, LocalHands
from engine.runners.inline import perform
from engine.runners.kept import KeptParts
from tests.engine.runners.test_inline import NoBytes
from tests.engine.tables import Memory, customers, recipe

MODELS = ("logistic", "forest", "boosting", "knn", "tree")


class Counting(LocalHands):
    """Two hands that note which parts they were given."""

    def __init__(self, logs: Path) -> None:
        super().__init__(logs, most=2)
        self.taken: list[list[int]] = []

    def take(self, work: Any, places: Any, tick: Any) -> Iterator[Done]:
        self.taken.append(list(places))
        return super().take(work, places, tick)


class There:
    def __init__(self, file: Path) -> None:
        self.file = file

    def path(self, fingerprint: str) -> Path:
        return self.file


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return customers(tmp_path_factory.mktemp("data") / "t.csv", n=300)


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    pair = Counting(tmp_path_factory.mktemp("logs"))
    yield pair
    pair.close()


@pytest.fixture(autouse=True)
def begun_anew(hands: Counting) -> None:
    hands.taken.clear()


def run(
    file: Path,
    params: dict[str, Any],
    hands: LocalHands | None,
    kept: Path | None = None,
    kind: str = "cross_validate",
    told: Any = lambda progress: None,
) -> tuple[Evidence, FreshArtifacts]:
    artifacts = FreshArtifacts(NoBytes())
    parts = KeptParts(kept) if kept else None
    place = Workplace(FreshEvidence(), artifacts, There(file), None, parts, hands)
    evidence = perform(Trial(kind, params, "data"), place, told=told)
    assert evidence.ok, evidence.error
    return evidence, artifacts


def figures(evidence: Evidence) -> dict[str, Any]:
    return {name: value for name, value in evidence.value.items() if not name.endswith("seconds")}


@pytest.mark.parametrize("name", MODELS)
def test_side_by_side_gives_the_same_bits_as_one_after_the_other(file: Path, hands: Counting, name: str) -> None:
    """Also the model that uses every core where it may: the digest of all answers is among the figures."""
    params = {"recipe": recipe(), "model": as_model(name), "folds": None}
    alone, _ = run(file, params, None)
    together, _ = run(file, params, hands)
    assert hands.taken == [[0, 1, 2]]
    assert figures(together) == figures(alone)
    assert len(together.value["cpu_seconds"]) == 3
    assert together.cpu_seconds >= sum(together.value["cpu_seconds"]) * 0.5


def test_networks_train_side_by_side_too(file: Path, hands: Counting) -> None:
    pytest.importorskip("torch")
    model = as_model("net_small", {"epochs": 3, "patience": 3})
    told: list[Progress] = []
    together, _ = run(file, {"recipe": recipe(), "model": model, "folds": 2}, hands, told=told.append)
    alone, _ = run(file, {"recipe": recipe(), "model": model, "folds": 2}, None)
    assert hands.taken == [[0, 1]]
    assert together.value["scores"] == alone.value["scores"]
    assert any("epoch" in p.point for p in told), "the curve of one of them"


def test_a_longer_run_takes_over_the_exams_of_a_shorter_one(file: Path, hands: Counting, tmp_path: Path) -> None:
    params = {"recipe": recipe(), "model": as_model("logistic")}
    whole, _ = run(file, params | {"folds": None}, hands)
    first, _ = run(file, params | {"folds": 2}, hands, tmp_path)
    told: list[Progress] = []
    rest, _ = run(file, params | {"folds": None}, hands, tmp_path, told=told.append)
    assert hands.taken == [[0, 1, 2], [0, 1], [2]]
    assert figures(rest) == figures(whole)
    assert first.value["scores"]["roc_auc"] == whole.value["scores"]["roc_auc"][:2]
    assert rest.value["fit_seconds"][:2] == first.value["fit_seconds"]
    assert [p.step for p in told if p.point] == [1, 2, 3]
    run(file, params | {"folds": 1}, hands, tmp_path)
    assert len(hands.taken) == 3, "and a shorter one those of a longer"


def test_models_that_are_averaged_are_not_fitted_again(file: Path, hands: Counting, tmp_path: Path) -> None:
    """What the parts said in their own exams is averaged, to the bit as if they had been fitted together."""
    members = [as_model("logistic"), as_model("forest", {"trees": 20})]
    for member in members:
        run(file, {"recipe": recipe(), "model": member, "folds": None}, hands, tmp_path)
    assert hands.taken == [[0, 1, 2], [0, 1, 2]]
    blend = as_model("average", {"of": members})
    joined, _ = run(file, {"recipe": recipe(), "model": blend, "folds": None}, hands, tmp_path)
    assert len(hands.taken) == 2, "nothing was left to compute"
    table = load(file, recipe())
    bench = bench_of(recipe(), table)
    together = [take_exam(bench, blend, j, *fold, 0) for j, fold in enumerate(bench.splits.folds)]
    assert joined.value["scores"] == {name: [exam.measured[name] for exam in together] for name in together[0].measured}
    assert joined.value["parameters"] == int(np.median([exam.parameters for exam in together]))
    assert joined.value["features"] == int(np.median([exam.features for exam in together]))
    assert all(seconds > 0 for seconds in joined.value["fit_seconds"])


def test_an_average_within_an_average_takes_each_exam_once(file: Path, hands: Counting, tmp_path: Path) -> None:
    """A draw of a model is a model of its own; the first is the model as it is, and its exams are those."""
    line, trees = as_model("logistic"), as_model("boosting", {"max_iter": 20})
    draws = as_model("average", {"of": [trees, as_model("boosting", {"max_iter": 20, "draw": 1})]})
    what = {"recipe": recipe(), "folds": 2}
    for member in (line, trees):
        run(file, {**what, "model": member}, hands, tmp_path)
    drawn, _ = run(file, {**what, "model": draws}, hands, tmp_path)
    assert hands.taken[2:] == [[1, 3]], "the second draw's exams only"
    nested = as_model("average", {"of": [line, draws]})
    joined, _ = run(file, {**what, "model": nested}, hands, tmp_path)
    assert len(hands.taken) == 3
    bench = bench_of(recipe(), load(file, recipe()))
    together = [take_exam(bench, nested, j, *fold, 0) for j, fold in enumerate(bench.splits.folds[:2])]
    assert joined.value["scores"] == {name: [exam.measured[name] for exam in together] for name in together[0].measured}
    assert drawn.value["scores"]["log_loss"] != joined.value["scores"]["log_loss"]


def test_an_average_with_a_network_trains_nothing(file: Path, hands: Counting, tmp_path: Path) -> None:
    """The network's own exams say on which device it trained; an average says nothing of it."""
    pytest.importorskip("torch")
    net, line = as_model("net_small", {"epochs": 2, "patience": 2}), as_model("logistic")
    what = {"recipe": recipe(), "folds": 2}
    run(file, {**what, "model": net, "device": "cpu"}, hands, tmp_path)
    run(file, {**what, "model": line}, hands, tmp_path)
    before = len(hands.taken)
    joined, _ = run(file, {**what, "model": as_model("average", {"of": [line, net]})}, hands, tmp_path)
    assert len(hands.taken) == before
    assert len(joined.value["scores"]["roc_auc"]) == 2


def test_settings_are_searched_side_by_side_to_the_same_figures(file: Path, hands: Counting) -> None:
    params = {"recipe": recipe(), "model": as_model("logistic"), "trials": 6, "folds": 3}
    together, _ = run(file, params, hands, kind="tune")
    alone, _ = run(file, params, None, kind="tune")
    assert figures(together) == figures(alone)
    assert hands.taken == [[0, 1]] * 3, "two parts of each inner exam"


def test_an_average_fails_where_a_part_does(file: Path) -> None:
    table = load(file, recipe())
    bench = bench_of(recipe(), table)
    blend = as_model("average", {"of": [as_model("tree"), as_model("logistic", {"C": -1.0})]})
    (exam,) = exams_of(Memory(file), bench, [{"recipe": recipe(), "model": blend, "fold": 0}])
    (whole,) = [take_exam(bench, blend, 0, *bench.splits.folds[0], 0)]
    assert exam.failure == whole.failure
    assert exam.failure
    assert np.array_equal(exam.scores, whole.scores), "scored as the baseline"


def test_another_recipe_or_model_takes_exams_of_its_own(file: Path, hands: Counting, tmp_path: Path) -> None:
    for changed in ({"model": as_model("logistic", {"C": 0.5})}, {"recipe": recipe(metric="log_loss")}):
        params = {"recipe": recipe(), "model": as_model("logistic"), "folds": 1}
        run(file, params, hands, tmp_path)
        run(file, params | changed, hands, tmp_path)
    assert hands.taken == [[0], [0], [0]]


def test_a_learning_curve_takes_the_whole_exams_from_those_that_were_taken(hands: Counting, tmp_path: Path) -> None:
    file = customers(tmp_path / "t.csv", n=400)
    params = {"recipe": recipe(), "model": as_model("logistic")}
    run(file, params, hands, tmp_path / "kept")
    together, _ = run(file, params, hands, tmp_path / "kept", "learning_curve")
    assert len(hands.taken[1]) == 3 * 3, "three smaller shares of each of three training parts"
    alone, _ = run(file, params, None, kind="learning_curve")
    assert figures(together) == figures(alone)


def test_a_probe_gives_the_same_side_by_side(file: Path, hands: Counting) -> None:
    from engine.evaluation import probe

    changed = {**recipe(), "prepare": {"numbers": {"scale": "robust"}}}
    params = {
        "recipe": recipe(), "changes": [{"name": "scale", "recipe": changed}], "families": ["linear"],
        "metric": "roc_auc", "folds": 2,
    }  # fmt: skip
    rows = []
    for whom in (None, hands):
        probe._cache.clear()
        evidence, _ = run(file, params, whom, kind="probe")
        rows.append([{k: v for k, v in row.items() if k != "seconds"} for row in evidence.value["rows"]])
    assert rows[0] == rows[1]
    assert hands.taken == [[0, 1], [0, 1]]


def test_what_learns_nothing_stays_in_the_trials_own_process(file: Path, hands: Counting) -> None:
    run(file, {"recipe": recipe(), "model": as_model("prior"), "folds": None}, hands)
    assert hands.taken == []


def test_answers_of_all_exams_are_in_the_order_of_the_exams(file: Path, hands: Counting) -> None:
    evidence, artifacts = run(file, {"recipe": recipe(), "model": as_model("tree"), "folds": None}, hands)
    stored = read_out_of_fold(artifacts.fetch(evidence.value["oof"]))
    assert (np.diff(stored["fold"]) >= 0).all()


def test_an_exam_comes_back_from_its_bytes(file: Path) -> None:
    bench = bench_of(recipe(), load(file, recipe()))
    train, test = rows_of(bench, {"fold": 1}, 0)
    exam = take_exam(bench, as_model("tree"), 1, train, test, 0)
    again = read(pack(exam), train, test)
    assert np.array_equal(again.scores, exam.scores)
    assert again.scores.dtype == exam.scores.dtype
    assert (again.measured, again.notes, again.fold) == (exam.measured, exam.notes, 1)
    with pytest.raises(DataProblem, match="other rows"):
        read(pack(exam), train, test[1:])
    with pytest.raises(DataProblem, match="cannot be read"):
        read(b"PK\x03\x04 nothing", train, test)


def test_a_pickle_in_the_place_of_an_exam_is_refused(file: Path) -> None:
    import io

    buffer = io.BytesIO()
    np.savez(buffer, said=np.array([{"fold": 0}], dtype=object), scores=np.zeros(3))
    with pytest.raises(DataProblem, match="cannot be read"):
        read(buffer.getvalue(), np.arange(3), np.arange(3))


def test_without_such_a_context_exams_are_taken_one_by_one(file: Path) -> None:
    bench = bench_of(recipe(), load(file, recipe()))
    wanted = [{"recipe": recipe(), "model": as_model("tree"), "fold": j} for j in (2, 0)]
    told: list[int] = []
    exams = exams_of(Memory(file), bench, wanted, lambda place, exam: told.append(place))
    assert [exam.fold for exam in exams] == [2, 0]
    assert told == [0, 1]
