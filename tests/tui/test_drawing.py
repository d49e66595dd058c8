"""Every kind of picture, as text of a given size."""

from __future__ import annotations

import pytest

from engine.views import Bars, Curves, Grid, Histogram, Intervals, View
from tui.drawing import draw
from tui.ladder import Mark, drawn

ROC = Curves(
    "ROC",
    "falsely alarmed",
    "caught",
    {"the model": [(0, 0), (0.1, 0.6), (1, 1)], "by luck": [(0, 0), (1, 1)], "the cut": [(0.5, 0), (0.5, 1)]},
    ends=False,
)
LOSS = Curves("loss", "epoch", "log loss", {"train": [(1, 0.9), (9, 0.31)], "validation": [(1, 0.95), (9, 0.42)]})
LADDER = Intervals("ladder", "ROC AUC", [("rule", 0.71, 0.69, 0.73), ("logistic regression", 0.85, 0.84, 0.86)], 0.76)
CONFUSION = Grid("confusion", ["No", "Yes"], ["No", "Yes"], [[0.9, 0.1], [0.47, None]])
WIDE = Grid("empty together", ["a column"] * 3, [f"column {n}" for n in range(30)], [[0.5] * 30] * 3)
WEIGHTS = Bars("coefficients", "weight", [("two years", -1.2), ("fibre", 0.6), ("nothing", 0.0)])
RESIDUALS = Histogram("true − said", "rows", [-2, -1, 0, 1, 2], [3, 40, 41, 2], [("mean", 0.1)])
LEVELS = Bars("a long level", "rows", [("x" * 60, 1000.0), ("Yes", 1.0)])
ALL: tuple[View, ...] = (ROC, LOSS, LADDER, CONFUSION, WIDE, WEIGHTS, RESIDUALS, LEVELS)


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.title)
@pytest.mark.parametrize("ascii_only", [False, True], ids=["dots", "letters"])
@pytest.mark.parametrize("size", [(74, 17), (56, 8)], ids=["80x24", "60x16"])
def test_a_picture_stays_in_its_room_and_needs_no_signs_that_are_not_there(view, ascii_only, size):
    lines = draw(view, size[0], size[1], ascii_only).split("\n")
    assert all(line.cell_length <= size[0] for line in lines)
    if isinstance(view, Curves):
        assert len(lines) == size[1]
    if ascii_only:
        drawn = "".join(line.plain for line in lines)
        assert not [sign for sign in drawn if 0x2500 <= ord(sign) < 0x2900]  # boxes, blocks, shapes, braille


def test_lines_differ_without_colour():
    straight = {name: [(0.0, n), (1.0, n)] for n, name in enumerate("abcd")}
    lines = draw(Curves("", "x", "y", straight), 60, 14).plain.split("\n")[1:-1]
    dashes = {line[8:48] for line in lines if any(0x2800 < ord(sign) < 0x2900 for sign in line)}
    assert len(dashes) == 4


def test_an_upright_line_is_drawn_from_its_foot_to_its_head():
    for ascii_only, sign in ((True, "+"), (False, "⡀⢀⠁⠈⡇⢸⠄⠠⡁⠂⢈")):
        rows = draw(ROC, 70, 12, ascii_only).plain.split("\n")[1:-1]
        middle = [row[len(row) // 2 - 1 : len(row) // 2 + 6] for row in rows]
        assert sum(any(s in part for s in sign) for part in middle) >= len(rows) - 1


def test_values_at_the_end_of_a_line_are_said_only_where_they_tell_something():
    assert "train 0.310" in draw(LOSS, 70, 12).plain
    assert "by luck 1" not in draw(ROC, 70, 12).plain


def test_the_axis_has_its_ends_its_name_and_the_scale_a_middle():
    lines = draw(LOSS, 70, 11).plain.split("\n")
    assert lines[-1].split() == ["1", "epoch", "9"]
    assert [line.split()[0] for line in lines[1:-1] if line[0] != " "] == ["0.950", "0.630", "0.310"]


def test_what_is_below_zero_goes_to_the_left():
    two, fibre, nothing = draw(WEIGHTS, 60, 10).plain.split("\n")[1:]
    axis = two.index("┆")
    assert axis == fibre.index("┆") == nothing.index("┆")
    assert "█" in two[:axis]
    assert "█" not in two[axis:]
    assert "█" in fibre[axis:]
    assert "█" not in fibre[:axis]
    assert "█" not in nothing


def test_the_reference_is_named_under_its_mark():
    _, rule, _, scale = draw(LADDER, 74, 10).plain.split("\n")
    assert rule.index("┆") == scale.index("┆")
    assert "┆ 0.760" in scale
    assert draw(LADDER, 74, 3).plain.count("\n") == 2  # where lines are few it is left out


def test_a_reference_far_away_is_named_and_leaves_the_scale_to_the_models():
    marks = [Mark("svm", 0.983, 0.974, 0.993), Mark("net", 0.980, 0.967, 0.993)]
    near, far = (drawn(marks, 60, reference=x, scaled=True).plain.splitlines() for x in (0.95, 0.189))
    assert "┆ 0.950" in near[-1]
    assert "┆ 0.189 is off to the left" in far[-1]
    assert far[0].index("├") < near[0].index("├"), "the interval has the room that the way to the reference took"
    assert "┆ 2 is off to the right" in drawn(marks, 60, reference=2.0, scaled=True).plain


def test_shares_are_in_percent_and_columns_left_out_are_counted():
    assert "47%" in draw(CONFUSION, 74, 10).plain
    assert "more columns stand in the table" in draw(WIDE, 74, 10).plain


def test_both_ends_of_an_axis_are_written_alike():
    assert draw(Curves("", "epoch", "", {"a": [(0, 1.0), (8, 2.0)]}), 60, 11).plain.split("\n")[-1].split() == [
        "0", "epoch", "8",
    ]  # fmt: skip
    assert draw(Curves("", "x", "", {"a": [(0.0, 1.0), (0.5, 2.0)]}), 60, 11).plain.split("\n")[-1].split() == [
        "0.000", "x", "0.500",
    ]  # fmt: skip


def test_what_is_nothing_beside_the_rest_is_no_power_of_ten_on_the_scale():
    lines = draw(Curves("", "epoch", "", {"train": [(0, 0.7), (8, 3.1e-5)]}), 60, 11).plain.split("\n")
    assert "train 3.1e-05" in lines[0]
    assert [line.split()[0] for line in lines[1:-1] if line[0] != " "] == ["0.700", "0.350", "0.000"]


@pytest.mark.parametrize("ascii_only", [False, True], ids=["dots", "letters"])
def test_a_long_legend_takes_two_lines_and_the_picture_the_rest(ascii_only):
    line = [(0.0, 0.1), (9.0, 0.9)]
    names = ("practice exams", "training rows", "expected", "95 % interval")
    lines = draw(Curves("", "rows", "ROC AUC", dict.fromkeys(names, line)), 70, 13, ascii_only).plain.split("\n")
    assert len(lines) == 13
    assert lines[-1].split() == ["0", "rows", "9"]
    assert "95 % interval 0.900" in lines[1]
    assert all(name in lines[0] + lines[1] for name in names)


def test_bins_of_whole_numbers_are_named_by_them():
    digits = Histogram("digit", "rows", [-0.5, 0.5, 1.5, 2.5], [5, 6, 7], [("mean", 1.2)])
    head, *bars = draw(digits, 60, 10).plain.split("\n")
    assert head == "rows"
    assert [bar.split()[0] for bar in bars] == ["0", "1", "2"]
    assert "mean" in bars[1]
    assert draw(RESIDUALS, 60, 10).plain.split("\n")[0] == "from, rows"


def test_a_computed_level_is_short_and_a_code_stays_as_it_is():
    rows = [("12.222222222222221", 10.0), ("00123456789.10", 3.0), ("7.5", 1.0)]
    assert [line.split()[0] for line in draw(Bars("", "rows", rows), 60, 10).plain.split("\n")[1:]] == [
        "12.2222", "00123456789.10", "7.5",
    ]  # fmt: skip


def test_tiny_and_huge_figures_are_told_apart():
    tiny = [("Mean", 8.599e-08, 8.051e-08, 9.147e-08), ("Median", 8.612e-08, 8.052e-08, 9.15e-08)]
    lines = draw(Intervals("", "MAE", tiny), 70, 10).plain.split("\n")
    assert [line.split()[1] for line in lines[1:3]] == ["8.6e-08", "8.61e-08"]
    around = Curves("", "said", "", {"high": [(0, 4.9e-08), (9, 4.9e-08)], "low": [(0, -4.88e-08), (9, -4.88e-08)]})
    scale = [line.split("│")[0].strip() for line in draw(around, 60, 11).plain.split("\n")[1:-1]]
    assert [tick for tick in scale if tick] == ["4.9e-08", "0.000", "-4.88e-08"]


def test_counts_of_rows_are_counts_also_where_there_is_one_or_none():
    drawn = draw(Bars("", "rows", [("sex", 8.0), ("age", 1.0), ("fee", 0.0)]), 60, 10).plain.split("\n")
    assert [line.split()[1] for line in drawn[1:]] == ["8", "1", "0"]
    assert "0.500" in draw(Bars("", "strength", [("sex", 1.0), ("age", 0.5)]), 60, 10).plain


def test_edges_of_bins_have_the_same_decimals():
    edges = [172.0, 174.95, 177.9, 180.85]
    assert _edges(edges) == ["172.0", "174.9", "177.9", "180.8"]
    assert _edges([0.0, 4.921, 9.842, 14.763]) == ["0.00", "4.92", "9.84", "14.76"]
    assert _edges([8.5e-8, 9e-8, 9.5e-8]) == ["8.5e-08", "9e-08", "9.5e-08"]
    assert _edges([1000.0, 2000.0, 3000.0]) == ["1,000", "2,000", "3,000"]


def _edges(edges: list[float]) -> list[str]:
    lines = draw(Histogram("", "rows", edges, [1] * (len(edges) - 1)), 60, 10).plain.split("\n")
    return [line.split()[0] for line in lines[1:]]


def test_days_that_tell_moments_apart_are_shown_without_the_time():
    moments = [("1957-01-09 09:36:00", 5.0), ("1957-06-21 04:48:00", 6.0)]
    drawn = draw(Bars("", "rows", moments), 60, 10).plain
    assert "1957-06-21 6" in drawn
    same_day = [("1957-01-09 09:36:00", 5.0), ("1957-01-09 14:48:00", 6.0)]
    assert "14:48:00" in draw(Bars("", "rows", same_day), 60, 10).plain
