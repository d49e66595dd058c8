"""Keys that come before what they are meant for is there, and handlers whose screen has gone meanwhile.

Textual composes a screen piece by piece, and hands a key on while the one before is still on its way up from the field
that had the focus.  On a slow machine, or when a bad line brings several keys at once, a letter would then go to the
field that a tab has just left, or to a form that is not there yet.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from functools import cached_property

from textual import events
from textual.app import App, ScreenStackError
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.widget import Widget
from textual.worker import WorkerFailed

SOON = 0.01  # seconds until it is looked again whether the screen is there
PATIENCE = 5.0  # seconds that keys wait for it
MOVES = ("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "backspace", "delete", "space")


class TypedAhead(App[None]):
    """An app in which what is typed waits for what was typed before and for its screen, and nothing is lost.

    A part that is composed and yet not ready says so in an attribute `begins`.
    """

    _waits = 0.0  # the time until when; none where nothing waits
    _gave_up = False  # waiting for the screen at hand

    @cached_property
    def _typed(self) -> deque[events.Key | events.Paste]:
        return deque()

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._typed.append(event)
        if not self._waits:
            await self._pass_on()
        elif len(self._typed) == 1:
            self.set_timer(PATIENCE, self._give_up)

    def on_key(self, event: events.Key) -> None:
        """One that nobody below took is for the screen, which may be another one by now."""
        if self._ends:
            event.prevent_default()
        elif not self._drawn:
            event.prevent_default()
            self._typed.appendleft(events.Key(event.key, event.character))
            if not self._waits:
                self._wait()

    async def _pass_on(self) -> None:
        self._waits = 0.0
        while self._typed and not self._waits and not self._ends:
            if not self._drawn:
                self._wait()
                return
            event, target = self._typed.popleft(), self.focused or self.screen
            acts = isinstance(event, events.Key) and _acts(event, target)
            await super().on_event(event)
            if acts:
                self._waits = time.monotonic() + PATIENCE
                self._follow(target.ancestors_with_self)

    def _follow(self, way: list[DOMNode]) -> None:
        """Behind the key, from the part that it was handed to up to here, where its action has run then."""
        for n, node in enumerate(way):
            if node.is_running and node.call_later(self._follow, way[n + 1 :]):
                return
        self._wait()  # a moment more, for a dialog that it may open

    def _wait(self) -> None:
        self._waits = time.monotonic() + PATIENCE
        self.set_timer(SOON, self._look)

    async def _look(self) -> None:
        if self._drawn:
            self.call_later(self._pass_on)  # behind the focus, which a part asks for when it is there
        elif time.monotonic() < self._waits:
            self.set_timer(SOON, self._look)
        else:
            await self._give_up()

    async def _give_up(self) -> None:
        """Rather a key that nobody takes than an app that hears none."""
        if self._typed and 0 < self._waits <= time.monotonic() and not self._ends:
            self._gave_up = True
            await self._pass_on()

    @property
    def _ends(self) -> bool:
        return self._exit or self._closing or not self._running

    @property
    def _drawn(self) -> bool:
        """Whether the topmost screen and all that is on it can answer."""
        if not self.screen_stack:
            return False
        parts = (self.screen_stack[-1], *self.screen_stack[-1].walk_children(Widget))
        there = all(part.is_mounted and not getattr(part, "begins", False) for part in parts)
        self._gave_up &= not there
        return there or self._gave_up

    def _handle_exception(self, error: Exception) -> None:
        """A part that is being taken away finds its neighbours gone: no mistake.  Anything else ends the app."""
        cause = error.error if isinstance(error, WorkerFailed) else error
        if not isinstance(cause, NoMatches | ScreenStackError) or not (self._ends or _of_one_gone(cause)):
            super()._handle_exception(error)


def _acts(key: events.Key, on: Widget) -> bool:
    """Whether it may change what has the focus, or the screen: any but those that move a cursor or write."""
    if key.key in MOVES:
        return False
    return not on.check_consume_key(key.key, key.character)


def _of_one_gone(error: BaseException) -> bool:
    """Whether a part that is on no screen any more raised it, in a handler, a callback or a worker of its own."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        part = frame.f_locals.get("self")
        if isinstance(part, Widget) and not _is_there(part):
            return True
    return False


def _is_there(part: Widget) -> bool:
    above = part.ancestors_with_self
    return any(screen in above for screen in part.app.screen_stack) and not any(node._pruning for node in above)
