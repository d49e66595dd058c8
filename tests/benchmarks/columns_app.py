"""The app at a question about 5,000 columns: the longest list that a person scrolls through."""

from __future__ import annotations

from engine.effects import Ask
from tests.tui.scripted import TYPES, ScriptedDesk, only
from tui.app import RungwiseApp

COLUMNS = 5000


def asked() -> Ask:
    kinds = ("number", "category", "drop")
    return Ask(
        TYPES,
        recommended={f"measured at station {n}": kinds[n % 3] for n in range(COLUMNS)},
        reason="Each column has the type that at least 95 % of its values read as.",
    )


if __name__ == "__main__":
    desk = ScriptedDesk(only(asked()))
    RungwiseApp(lambda: desk, session="churn").run()
