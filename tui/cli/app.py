"""Commands that open the terminal app: home, `new`, `open`."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from engine.errors import UsageProblem
from tui.cli import store_path


def go_home(path: Path | None) -> int:
    """The list of sessions."""
    return _open(path or store_path(None))


def begin(path: Path, data: Path, target: str, name: str, pace: str, *, plain: bool = False) -> int:
    """A new session on a file, opened; the file is looked at before the screen changes."""
    if pace not in ("", "quick", "guided"):
        raise UsageProblem(f"--pace takes quick or guided, not {pace!r}.")
    if not plain:
        _need_terminal(f"rungwise run {data} --target COL --accept-recommended")
    from tui.store_desk import StoreDesk

    desk = StoreDesk(path)
    try:
        session = desk.create(data, target, name, pace)
    finally:
        desk.close()
    if plain:
        return talk(path, session, "", desk.said[session])
    return _open(path, session=session, said={session: desk.said[session]})


def talk(path: Path, name: str, branch: str = "", said: dict[str, str] | None = None) -> int:
    """The conversation line by line on stdin and stdout, without a screen."""
    from tui.cli.lines import Lines
    from tui.plain import Talk
    from tui.plain.voice import Cut
    from tui.store_desk import StoreDesk

    desk = StoreDesk(path, {name: said or {}})
    drawn = _drawn()
    lines = Lines(drawn)
    conversation = Talk(
        desk.open(name, branch),
        lines.read,
        lambda text: print(drawn(text), flush=True),
        desk=desk,
        width=lambda: shutil.get_terminal_size((80, 24)).columns,
        again=_again(path, name),
        recall=lines.recall,
    )
    try:
        with lines.cut_by_signals():
            return 0 if conversation.hold() else 130
    except KeyboardInterrupt:
        print(f"\n{drawn(conversation.farewell())}", flush=True)
        return 130
    except Cut as ended:
        with contextlib.suppress(OSError):  # who hung up hears nothing any more
            print(f"\n{drawn(conversation.farewell())}", flush=True)
        return 128 + ended.number
    finally:
        conversation.opened.close()
        desk.close()


def _again(path: Path, name: str) -> str:
    """The command that goes on with a session of this store."""
    where = f" --store {shlex.quote(str(path))}" if path != store_path(None) else ""
    return f"rungwise open {shlex.quote(name)} --plain{where}"


def _drawn() -> Callable[[str], str]:
    """What is said, with the signs that the terminal has."""
    from tui.letters import Letters, shown_by, started_with

    letters = Letters(shown_by(started_with(os.environ), sys.stdout.encoding))
    return letters.drawn if letters.enabled else str


def resume(path: Path, name: str, branch: str, *, plain: bool = False) -> int:
    from storage.store import Store

    with Store.open(path, read_only=True) as store:  # an unknown name is said here, not on a screen
        found = store.sessions.get(name).name
        store.sessions.branch(found, branch or None)
    if plain:
        return talk(path, found, branch)
    return _open(path, session=found, branch=branch)


def _open(path: Path, *, session: str = "", branch: str = "", said: dict[str, dict[str, str]] | None = None) -> int:
    _need_terminal("rungwise --help")
    from tui.app import RungwiseApp

    def desk():  # noqa: ANN202 - the store is opened after the first screen is painted
        from tui.store_desk import StoreDesk

        return StoreDesk(path, said)

    app = RungwiseApp(desk, session=session, branch=branch, fresh=not path.exists())
    app.run()
    return app.return_code or 0


def _need_terminal(instead: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageProblem(f"The app needs a terminal, and this is none; without one there is: {instead}")
