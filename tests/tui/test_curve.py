"""What is drawn of a trial that learns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console
from textual.app import App

from engine.ports import TrialState
from engine.records import Progress, Trial
from engine.views import Curves
from tui import thrift
from tui.drawing import draw
from tui.figures import number
from tui.ladder import Mark, span
from tui.plot import STYLES, Dots, curves
from tui.widgets.evidence import Drawing
from tui.widgets.trials import _at, _score, course, curve, metric_curve, seconds_left

CONSOLE = Console(color_system="256", force_terminal=True, _environ={})


def state(*points: dict[str, float], unit: str = "epoch") -> TrialState:
    progress = [Progress(n + 1, len(points), unit, point=point) for n, point in enumerate(points)]
    return TrialState(Trial("cross_validate", {}), "running", progress[-1], tuple(progress))


def test_a_network_that_learns_fold_by_fold_shows_the_present_folds_losses():
    seen = curve(
        state(
            {"epoch": 1, "fold": 1, "train loss": 0.9, "validation loss": 0.8},
            {"epoch": 2, "fold": 1, "train loss": 0.7, "validation loss": 0.6},
            {"roc_auc": 0.81},  # the first fold's exam
            {"epoch": 1, "fold": 2, "train loss": 0.85, "validation loss": 0.75},
            {"epoch": 2, "fold": 2, "train loss": 0.65, "validation loss": 0.55},
        )
    )
    assert seen.series == {"train loss": [(1, 0.85), (2, 0.65)], "validation loss": [(1, 0.75), (2, 0.55)]}
    assert (seen.x, seen.y) == ("epoch", "fold 2")


def test_between_two_folds_the_losses_stay():
    seen = curve(state({"epoch": 1, "fold": 1, "train loss": 0.9}, {"roc_auc": 0.81}, unit="fold"))
    assert (seen.series, seen.x, seen.y) == ({"train loss": [(1, 0.9)]}, "epoch", "fold 1")


def test_folds_that_learn_side_by_side_do_not_take_turns_in_the_picture():
    points = [{"epoch": e, "fold": f, "train loss": f + 1 / e} for e in (1, 2, 3) for f in (1, 2)]
    assert [curve(state(*points[:n])).y for n in (1, 2, 3, 4, 5, 6)] == ["fold 1"] * 6
    assert (
        curve(state(*points, {"epoch": 4, "fold": 2, "train loss": 2.2}, {"epoch": 5, "fold": 2, "train loss": 2.1})).y
        == "fold 2"
    )


def test_a_training_that_is_taken_up_tells_again_what_it_had_and_is_drawn_once():
    told = [{"epoch": e, "fold": 1, "train loss": 1 / e, "validation loss": abs(e - 2) + 0.5} for e in (1, 2, 3, 4)]
    seen = state(*told[:3], *told)
    assert curve(seen).series["train loss"] == [(e, 1 / e) for e in (1, 2, 3, 4)]
    assert "lowest validation loss 0.500 in epoch 2" in course(seen)


def test_pace_is_said_and_not_drawn_and_a_metric_has_a_picture_of_its_own():
    pace = {"learning rate": 0.002, "rows a second": 12_345.6, "gradient norm": 3.0, "weight norm": 9.0}
    pace |= {"seconds left": 2.45, "best epoch": 2.0}
    seen = state(
        {"epoch": 1, "train loss": 0.9, "validation loss": 0.8, "accuracy": 0.5, **pace},
        {"epoch": 2, "train loss": 0.7, "validation loss": 0.6, "accuracy": 0.75, **pace},
        {"epoch": 3, "train loss": 0.6, "validation loss": 0.7, "accuracy": 0.7, **pace},
    )
    assert set(curve(seen).series) == {"train loss", "validation loss"}
    assert metric_curve(seen).series == {"accuracy": [(1, 0.5), (2, 0.75), (3, 0.7)]}
    pace_said = f"rate 0.002 · {number(12_346)} rows a second"
    assert course(seen) == f"epoch 3 · lowest validation loss 0.600 in epoch 2 · accuracy 0.700 · {pace_said}"
    assert course(state({"roc_auc": 0.8}, unit="fold")) == ""


def test_a_row_of_a_training_is_short_and_its_score_is_the_metric():
    """A long message would leave no room for the other columns; what it says stands below the rows."""
    point = {"epoch": 3, "fold": 2, "train loss": 0.6, "validation loss": 0.65, "accuracy": 0.7, "best epoch": 2.0}
    long = "fold 2, epoch 3, validation loss 0.7000, lowest 0.6000 in epoch 2, 9,970 rows/s, 3 to 20 s left"
    seen = replace(state(point), progress=Progress(3, 60, "epoch", long))
    assert _at(seen.progress, seen) == "fold 2, epoch 3/60"
    assert _score(point) == number(0.7)
    assert _score(dict(sorted(point.items()))) == number(0.7), "as a store gives them back"
    assert _score({"epoch": 1, "train loss": 0.6, "validation loss": 0.5}) == number(0.5)
    assert _at(Progress(4, 10, "fold", "fold 4 of 10"), None) == "fold 4 of 10"


def test_scores_of_folds_are_no_curve():
    assert not curve(state({"roc_auc": 0.8}, {"roc_auc": 0.9}, unit="fold")).series


def test_how_long_it_will_take_is_what_the_worker_says_of_folds_taken_at_once():
    four_of_ten = Progress(4, 10, "fold", left=6.0)
    trial = Trial("cross_validate", {})
    assert seconds_left(TrialState(trial, "running", four_of_ten, elapsed=2.0)) == 6.0
    assert seconds_left(TrialState(trial, "running", Progress(4, 10, "fold"), elapsed=2.0)) == pytest.approx(3.0)
    assert seconds_left(TrialState(trial, "running", Progress(0, 10, "fold"), elapsed=2.0)) is None
    assert seconds_left(TrialState(trial, "running")) is None


def test_dots_keep_their_lines_style_and_width():
    grid = Dots(6, 2)
    grid.line([(0, 0), (1, 0)], 0)
    grid.line([(0, 1), (0.4, 1)], 1)
    top, bottom = grid.rows()
    assert top.cell_length == bottom.cell_length == 6
    assert top.plain.endswith("   ")
    assert {span.style for span in top.spans} == {STYLES[1]}
    assert {span.style for span in bottom.spans} == {STYLES[0]}


def growing(points: int, ascii_only: bool = False) -> list[str]:
    line = [(n, 0.3 + 0.6 * 0.9**n) for n in range(1, points + 1)]
    return curves({"loss": line}, 70, 12, x="epoch", ascii_only=ascii_only, growing=True).plain.split("\n")


def test_a_growing_picture_keeps_its_scale_while_points_are_added():
    before, after = growing(33), growing(39)
    assert before[-1].split() == after[-1].split()  # the axis ends at a round figure
    assert [line[:8] for line in before[1:]] == [line[:8] for line in after[1:]]
    changed = sum(a != b for one, two in zip(before[1:], after[1:], strict=True) for a, b in zip(one, two, strict=True))
    assert 0 < changed < 30
    assert growing(60)[-1].split()[-1] == "71"  # 70 more than the first


async def test_a_new_point_stands_there_at_once_and_costs_the_line_little():
    class Shown(App):
        ascii_only = False

        def compose(self):
            yield Drawing(view(33), growing=True)

    def view(n):
        return Curves("", "epoch", "", {"loss": [(i, 0.3 + 0.6 * 0.9**i) for i in range(1, n + 1)]})

    def sent(screen):
        """Bytes that bring the terminal to what the screen shows."""
        update = screen._compositor.render_update(full=True)
        assert update is not None
        return len(line.sent(update, CONSOLE).encode())

    line = thrift.Shown()
    async with Shown().run_test(size=(70, 14)) as pilot:
        whole = sent(pilot.app.screen)
        drawing = pilot.app.query_one(Drawing)
        for points, most in ((35, 300), (80, 2_000)):  # a point or two; the scale of the epochs changes
            drawing.view = view(points)
            drawing.redraw()
            await pilot.pause()
            shown = ["".join(s.text for s in strip).rstrip() for strip in pilot.app.screen._compositor.render_strips()]
            assert shown[:12] == [row.rstrip() for row in drawing.render().plain.split("\n")[:12]]
            assert 0 < sent(pilot.app.screen) < min(most, whole)


async def test_of_the_fold_before_nothing_stays_beside_the_next():
    class Shown(App):
        ascii_only = False

        def compose(self):
            yield Drawing(view(1, 30), growing=True)

    def view(fold, n):
        line = [(i, (0.3 + 0.6 * 0.9**i) * (1 if fold == 1 else 5 - 0.1 * i)) for i in range(1, n + 1)]
        return Curves("", "epoch", f"fold {fold}", {"loss": line})

    async with Shown().run_test(size=(70, 14)) as pilot:
        drawing = pilot.app.query_one(Drawing)
        for fold, points in ((1, 60), (2, 25), (1, 3)):
            drawing.view = view(fold, points)
            drawing.redraw()
        await pilot.pause()
        shown = ["".join(s.text for s in strip).rstrip() for strip in pilot.app.screen._compositor.render_strips()]
        wanted = draw(view(1, 3), 70, 14, growing=True).plain.split("\n")
        assert shown[: len(wanted)] == [line.rstrip() for line in wanted]


def test_the_scale_of_a_share_ends_at_one_and_at_nought():
    assert span([Mark("a", 0.98, 0.96, 1.0), Mark("b", 0.4, 0.38, 0.42)])[1] == 1.0
    assert span([Mark("a", 0.01, 0.0, 0.02), Mark("b", 0.4, 0.38, 0.42)])[0] == 0.0
    low, high = span([Mark("a", 12.0, 10.0, 14.0), Mark("b", -3.0, -4.0, -2.0)])
    assert low < -4
    assert high > 14
    low, high = span([Mark("a", 0.8, 0.7, 0.9)])
    assert 0 < low < 0.7
    assert 0.9 < high < 1
