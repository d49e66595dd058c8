"""The app while a network trains: an epoch each quarter of a second, its losses and its metric drawn as they come.

    python -m tests.benchmarks.training_app          in this terminal, by the clock
    python -m tests.benchmarks.training_app --hour   an hour's updates as fast as they go, on no terminal

The second prints how many bytes are resident after ten minutes of it and after the hour.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil

from engine.ports import TrialState
from engine.records import Progress
from tests.tui.scripted import EXAMS, PATH, ScriptedDesk
from tui.app import RungwiseApp
from tui.screens.workbench import POLL, Workbench
from tui.widgets.trials import TrialsPane

EPOCHS = 500  # of a fold
FOLDS = 25
SPEED = 4.0  # epochs a second


class Training(ScriptedDesk):
    """A desk whose network is further at each look.  seconds: the time since its training began."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__(PATH[1:])
        self._seconds = seconds

    def machine(self) -> str:
        done = int(self._seconds() * SPEED)
        fold, epochs = done // EPOCHS % FOLDS, done % EPOCHS + 1
        curve = tuple(_epoch(fold, epoch) for epoch in range(1, epochs + 1))
        trial = EXAMS[2]
        self.states[trial.key] = TrialState(trial, "running", curve[-1], curve, elapsed=self._seconds())
        return super().machine()


def _epoch(fold: int, epoch: int) -> Progress:
    wobble = math.sin(epoch * 1.7 + fold) * 0.01
    point = {
        "fold": fold + 1.0, "epoch": float(epoch), "train loss": 0.3 + 0.4 / (1 + epoch / 20) + wobble / 2,
        "validation loss": 0.38 + 0.4 / (1 + epoch / 15) + epoch / 5000 + wobble,
        "ROC AUC": 0.85 - 0.35 / (1 + epoch / 10) + wobble, "learning rate": 0.002, "rows a second": 12_300.0,
    }  # fmt: skip
    step = fold * EPOCHS + epoch
    return Progress(step, FOLDS * EPOCHS, "epoch", f"fold {fold + 1}/{FOLDS}, epoch {epoch}/{EPOCHS}", point)


def by_the_clock() -> None:
    began = time.monotonic()
    desk = Training(lambda: time.monotonic() - began)
    over(desk).run()


def over(desk: Any) -> RungwiseApp:
    return RungwiseApp(lambda: desk, session="churn")


async def an_hour() -> dict[str, float]:
    """Resident bytes after ten minutes' updates and after an hour's; each goes the way that the clock's would."""
    process, now, sizes = psutil.Process(), 0.0, []
    desk = Training(lambda: now)
    app = over(desk)
    async with app.run_test(size=(120, 40)) as pilot:
        while not isinstance(app.screen, Workbench) or not app.screen.query(TrialsPane):
            await pilot.pause(0.05)
        bench = app.screen
        pane = bench.query_one(TrialsPane)
        for look in range(int(3600 / POLL)):
            now = look * POLL
            if look % round(1 / POLL) == 0:
                pane.draw_at_once()
            await bench.look()
            await pilot.pause(0)
            if look % round(60 / POLL) == 0:
                sizes.append(process.memory_info().rss)
    return {"begun": sizes[10], "hour": max(sizes[-10:])}


if __name__ == "__main__":
    if "--hour" in sys.argv:
        print(json.dumps(asyncio.run(an_hour())))
    else:
        by_the_clock()
