"""Work that goes on elsewhere: one line a trial, and the curves of the one under the cursor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from engine.ports import TrialState
from engine.records import Progress, Trial
from engine.trials import BY_NAME
from engine.views import Curves
from tui.figures import duration, number
from tui.literal import literal
from tui.widgets.evidence import Drawing
from tui.widgets.rows import Column, Row, Rows

BAR = 10
DRAWN = 700  # cells of a growing curve drawn in a second: a large one less often, as over a slow line it takes longer
PLACES = ("epoch", "step", "fold")  # where a point was taken, not what was measured there
PACE = (  # how it learns, not how well
    "learning rate", "rows a second", "gradient norm", "weight norm", "seconds left", "best epoch",
)  # fmt: skip
BOTH = 100  # columns from which there is room for the metric beside the loss
SIGNS = {"queued": "·", "running": "◐", "done": "✓", "failed": "✕", "cancelled": "–"}


class TrialsPane(Vertical):
    """Shows states; posts what the person wants done with a trial."""

    class Wanted(Message):
        def __init__(self, deed: str, keys: list[str]) -> None:
            """deed: cancel, pause, go_on, enough, retry or leave_out."""
            super().__init__()
            self.deed, self.keys = deed, keys

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+x", "want('cancel')", "Cancel", id="trials.cancel", tooltip="Stop the work that is under way"),
        Binding("p", "want('pause')", "Pause", id="trials.pause", tooltip="Wait, and lose nothing"),
        Binding("p", "want('go_on')", "Go on", id="trials.go_on", tooltip="Go on where it was"),
        Binding(
            "k",
            "want('enough')",
            "Keep the best",
            id="trials.enough",
            tooltip="End the training after this epoch, and keep the best so far",
        ),
        Binding("r", "want('retry')", "Retry", id="trials.retry", tooltip="Try the failed one again"),
        Binding(
            "s", "want('leave_out')", "Leave it out", id="trials.leave_out", tooltip="Go on without the failed one"
        ),
    ]
    COLUMNS: ClassVar[list[Column]] = [
        Column("work", flex=True),
        Column("progress", least=BAR),  # what works on comes before how far it is, which stands beside it in figures
        Column("at"),
        Column("time", right=True),
        Column("left", right=True),
        Column("score", right=True),
    ]
    DEFAULT_CSS = """
    TrialsPane { height: 1fr; }
    TrialsPane > #title { text-style: bold; height: auto; max-height: 3; }
    TrialsPane > Rows { max-height: 50%; margin: 1 0; }
    TrialsPane > #reason { height: auto; max-height: 4; color: $error; }
    TrialsPane > #course { height: auto; max-height: 2; }
    TrialsPane > #plots { height: 1fr; min-height: 0; }
    TrialsPane > #plots > Vertical { height: 1fr; min-height: 0; width: 1fr; }
    TrialsPane > #hint { height: 1; color: $text-muted; }
    """

    def __init__(self, title: str, trials: Sequence[Trial], optional: bool = True) -> None:
        """optional: the path can go on without one that failed."""
        super().__init__()
        self.optional = optional
        self.title = title or "Measuring"
        self.trials = list(trials)
        self.states: dict[str, TrialState] = {}
        self._followed = 0
        self._said = ""
        self._next_picture = 0.0
        self._drew = ""
        self._course = ""
        self._moved_by_hand = False

    def compose(self) -> ComposeResult:
        yield Static(literal(self.title), markup=False, id="title")
        yield Rows(self.COLUMNS[:-1], [self._row(t) for t in self.trials], id="trials")
        yield Static("", markup=False, id="reason")
        yield Static("", markup=False, id="course")
        with Horizontal(id="plots"):
            with Vertical(id="plot"):
                yield Drawing(Curves("", "", ""), growing=True)
            with Vertical(id="metric"):
                yield Drawing(Curves("", "", ""), growing=True)
        yield Static("The work goes on when you leave; reopen the session to see it.", markup=False, id="hint")

    def on_mount(self) -> None:
        self.query_one(Rows).focus()

    def show(self, states: Mapping[str, TrialState]) -> None:
        """Show newer states; only what changed is repainted."""
        before, self.states = self.states, dict(states)
        rows = self.query_one(Rows)
        shown = [self._row(t) for t in self.trials]
        # the score comes last, and takes no room from the rest before there is one
        rows.show(self.COLUMNS if any(row.cells[-1] for row in shown) else self.COLUMNS[:-1], shown)
        if not self._moved_by_hand:  # follow the work, until a person looks at something else
            running = [i for i, t in enumerate(self.trials) if self._status(t) == "running"]
            failed = [i for i, t in enumerate(self.trials) if self._status(t) == "failed"]
            if at := (failed or running):
                self._followed = rows.cursor = at[0]
        turned = [_stand(s) for s in before.values()] != [_stand(s) for s in states.values()]
        if turned or time.monotonic() >= self._next_picture:
            self._show_details()
        if turned:
            self.refresh_bindings()
            self.query_one("#hint").display = bool(self._keys("cancel"))  # said only where there is work that goes on

    @property
    def left(self) -> str:
        """“1 of 4 to do”."""
        todo = sum(self._status(t) != "done" for t in self.trials)
        return f"{todo} of {len(self.trials)} to do" if todo < len(self.trials) else f"{todo} to do"

    @property
    def _here(self) -> Trial | None:
        at = self.query_one(Rows).cursor
        return self.trials[at] if at < len(self.trials) else None

    def _row(self, trial: Trial) -> Row:
        state = self.states.get(trial.key)
        name = literal(trial.label or (BY_NAME[trial.kind].title if trial.kind in BY_NAME else trial.kind))
        status = state.status if state else "queued"
        progress = state.progress if state else None
        share = progress.step / progress.steps if progress and progress.steps else 0.0
        bar, at, left, score = "", status, "", ""
        if status == "running" and progress:
            bar = _bar(share, bool(getattr(self.app, "ascii_only", False)))
            at = _told(_at(progress, state), state)
            seconds = seconds_left(state) if state else None
            left = duration(seconds) if seconds else ""  # none left of an estimate: nothing is known of it any more
            score = _score(progress.point or (state.curve[-1].point if state and state.curve else {}))
        elapsed = duration(state.elapsed) if state and state.elapsed else ""
        style = {"failed": "$error", "cancelled": "$warning", "done": "$success"}.get(status, "")
        return Row((name, Content.styled(bar, "$primary"), Content.styled(at, style), elapsed, left, score),
                   mark=SIGNS[status], dim=status == "queued", key=trial.key)  # fmt: skip

    def _show_details(self) -> None:
        here = self._here
        state = self.states.get(here.key) if here else None
        failed = state is not None and state.status in ("failed", "cancelled")
        said = (state.reason or "It was stopped before it began.") if state and failed else ""
        if said != self._said:
            self._said = said
            ways = "r tries it again" + (
                ", s goes on without it" if self.optional else "; without it the path ends here"
            )
            self.query_one("#reason", Static).update(f"{literal(said)}\n{ways}" if said else "")
        told = course(state) if state else ""
        line = self.query_one("#course", Static)
        line.display = bool(told)
        width = max(1, line.size.width)
        lines = [-(-len(text) // width) for text in (self._course, told)]  # laid out again only where they grow
        self._course = told
        line.update(literal(told), layout=lines[0] != lines[1])
        metric = metric_curve(state) if state else Curves("", "", "")
        both = bool(metric.series) and self.size.width >= BOTH
        self.query_one("#metric").display = both
        pictures = [("#plot", curve(state) if state else Curves("", "", "")), *([("#metric", metric)] if both else [])]
        if both and self._drew == "#plot":  # they take turns: two that are drawn anew at once fill a slow line
            pictures.reverse()
        for where, view in pictures:
            if self._draw(where, view):
                self._drew = where
                break

    def draw_at_once(self) -> None:
        """At the next states, however long ago the last picture was."""
        self._next_picture = 0.0

    def _draw(self, where: str, view: Curves) -> bool:
        """Draw what changed, and the larger it is the later the next one: over a slow line it takes longer."""
        drawing = self.query_one(f"{where} Drawing", Drawing)
        if view == drawing.view or drawing.parent is None:
            return False
        drawing.view = view
        drawing.redraw()
        self._next_picture = time.monotonic() + max(1.0, drawing.size.area / DRAWN)
        return True

    @on(Rows.Moved)
    def _moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._moved_by_hand = self._moved_by_hand or event.index != self._followed
        self._show_details()

    def _keys(self, deed: str) -> list[str]:
        """The trials that a deed would touch: all that run to cancel, pause or end, the one under the cursor otherwise.

        Only a training has a best so far, and it is known from its first epoch on.
        """
        if deed == "cancel":
            return [t.key for t in self.trials if self._status(t) in ("queued", "running")]
        running = [(t.key, self.states[t.key]) for t in self.trials if self._status(t) == "running"]
        match deed:
            case "pause":
                return [key for key, s in running if s.wish == ""]
            case "go_on":
                return [key for key, s in running if s.wish == "pause"]
            case "enough":
                return [key for key, s in running if s.wish in ("", "pause") and s.learns]
        if deed == "leave_out" and not self.optional:
            return []
        here = self._here
        return [here.key] if here and self._status(here) in ("failed", "cancelled") else []

    def _status(self, trial: Trial) -> str:
        state = self.states.get(trial.key)
        return state.status if state else "queued"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "want" or bool(self._keys(str(parameters[0])))

    def action_want(self, deed: str) -> None:
        if keys := self._keys(deed):
            self.post_message(self.Wanted(deed, keys))


def _at(progress: Progress, state: TrialState | None) -> str:
    """How far it is, in a few words; of a training the rest stands below the rows."""
    at = f"{progress.unit} {progress.step}/{progress.steps}"
    if state is None or not state.learns or progress.unit != "epoch":
        return literal(progress.message) or at
    fold = state.curve[-1].point.get("fold")
    return at if fold is None else f"fold {fold:.0f}, {at}"


def _told(at: str, state: TrialState | None) -> str:
    """How far it is, and what is wanted of it."""
    wish = state.wish if state else ""
    return f"paused at {at}" if wish == "pause" else f"ends after this epoch: {at}" if wish == "enough" else at


def _stand(state: TrialState) -> tuple[str, str, bool]:
    """On what it depends what can be done with it."""
    return state.status, state.wish, state.learns


def seconds_left(state: TrialState) -> float | None:
    """How long a running trial will still take: as whoever computes it says, who knows how many folds it takes at once
    and which it took before; else from the share that is done.  None where nothing tells."""
    progress = state.progress
    if progress is None or progress.left is not None:
        return progress.left if progress else None
    share = progress.step / progress.steps if progress.steps else 0.0
    return state.elapsed * (1 - share) / share if share > 0 else None


def curve(state: TrialState) -> Curves:
    """The losses that a trial that learns in epochs has reported, as lines over them; of several folds, the present
    one's."""
    return _lines(state, lambda what: what.endswith("loss"))


def metric_curve(state: TrialState) -> Curves:
    """The metric over the epochs, where it is measured in each."""
    return _lines(state, lambda what: not what.endswith("loss") and what not in PACE)


def _lines(state: TrialState, wanted: Callable[[str], bool]) -> Curves:
    points = _present(state)
    if not points:  # scores of folds are no curve: each is of other rows
        return Curves("", "", "")
    fold = points[-1].get("fold")
    series: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        for what, value in point.items():
            if what not in PLACES and value is not None and wanted(what):
                series.setdefault(what, []).append((point["epoch"], value))
    return Curves("", "epoch", f"fold {fold:.0f}" if fold is not None else "", series)


def _present(state: TrialState) -> list[Mapping[str, float]]:
    """The points of the epochs of one fold: of those that learn side by side the first, so that it stands still.
    A training that begins anew, or tells again what it had before it was broken off, is a picture of its own."""
    learning = [progress.point for progress in state.curve if "epoch" in progress.point]
    folds = [point["fold"] for point in learning[-2:] if point.get("fold") is not None]
    fold = min(folds, default=None)
    present: list[Mapping[str, float]] = []
    for point in learning:
        if point.get("fold") != fold:
            continue
        if present and point["epoch"] <= present[-1]["epoch"]:
            present.clear()
        present.append(point)
    return present


def course(state: TrialState) -> str:
    """“epoch 12 · lowest validation loss 0.412 in epoch 9 · accuracy 0.931 · rate 0.002 · 12,300 rows a second”."""
    points = _present(state)
    if not points or state.status != "running":
        return ""
    last = points[-1]
    said = [f"epoch {last['epoch']:.0f}"]
    held = [(p["validation loss"], p["epoch"]) for p in points if p.get("validation loss") is not None]
    if held:
        loss, epoch = min(held)
        said.append(f"lowest validation loss {number(loss)} in epoch {epoch:.0f}")
    for what, value in last.items():
        if what not in (*PLACES, *PACE) and not what.endswith("loss") and value is not None:
            said.append(f"{what} {number(value)}")
    if last.get("learning rate"):
        said.append(f"rate {number(last['learning rate'])}")
    if last.get("rows a second"):
        said.append(f"{number(round(last['rows a second']))} rows a second")
    return " · ".join(said)


def _bar(share: float, ascii_only: bool) -> str:
    full = round(max(0.0, min(1.0, share)) * BAR)
    return ("#" if ascii_only else "━") * full + ("." if ascii_only else "─") * (BAR - full)


def _score(point: Mapping[str, float]) -> str:
    """The last figure of a point; of a training the metric rather than a loss."""
    figures = {k: v for k, v in point.items() if k not in (*PLACES, *PACE) and v is not None}
    found = [v for k, v in figures.items() if not k.endswith("loss")] or list(figures.values())
    return number(found[-1]) if found else ""
