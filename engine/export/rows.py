"""Rows of the data in a report: only where a person asked for them, for a report is handed on."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.errors import RungwiseError
from engine.export.dossier import Dossier
from engine.export.markup import Html, el
from engine.views import Samples, Table, View, samples_as_tables

NO_ROWS = "rows of the data stand in a report only where they are asked for (export --rows)"
GONE = "the store has these rows no more"
WRONG = "The pictures it was most wrong about"


def asked_for_rows(d: Dossier) -> bool:
    return bool(d.options.get("rows"))


def rows_of(d: Dossier, view: Samples) -> list[Table]:
    """The rows that were shown; none where the store has them no more, as after a bundle without them."""
    try:
        content = json.loads(d.fetch(view.digest))
    except (RungwiseError, ValueError):
        return []
    return samples_as_tables(view, content) if isinstance(content, dict) else []


def with_rows(d: Dossier) -> dict[int, list[View]]:
    """What was shown, by the decisions' numbers, with rows of the data as tables."""
    return {
        number: [
            made for view in views for made in (rows_of(d, view) or [view] if isinstance(view, Samples) else [view])
        ]
        for number, views in d.shows.items()
    }


def left_out(d: Dossier, titles: Sequence[str]) -> str:
    """What is said of views that are not in the report."""
    return f"Left out, as {GONE if asked_for_rows(d) else NO_ROWS}: {'; '.join(titles)}."


def pictures_of_errors(d: Dossier) -> Html | None:
    """Each picture that the model was most wrong about, with what it is and what was said; None without any."""
    if d.session.material != "image" or not (seen := d.of_kind("errors")):
        return None
    worst = seen[-1].value.get("worst")
    if not isinstance(worst, list) or not worst:
        return None
    if not asked_for_rows(d):
        return el("p", left_out(d, [WRONG]), class_="note")
    from engine.export.model.shots import drawn

    try:
        shots = drawn(d, [int(row["row"]) for row in worst])
    except RungwiseError as problem:  # the data are gone, or the session has no model yet
        return el("p", f"Left out: {WRONG[:1].lower()}{WRONG[1:]}. {problem}", class_="note")
    made = [
        el("figure", el("img", src=f"data:image/png;base64,{shots[row['row']]}", alt=f"Row {row['row'] + 1:,}"),
           el("figcaption", f"is {row['label']}, said {row['prediction']}", el("br"), f"row {row['row'] + 1:,}"))
        for row in worst if row["row"] in shots and row["label"] != row["prediction"]
    ]  # fmt: skip
    return el("div", el("h4", WRONG), el("div", *made, class_="shots")) if made else None
