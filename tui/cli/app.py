"""Commands that open the terminal app: home, `new`, `open`."""

from __future__ import annotations

import os
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
    from tui.plain import Talk
    from tui.store_desk import StoreDesk

    desk = StoreDesk(path, {name: said or {}})
    drawn = _drawn()
    conversation = Talk(
        desk.open(name, branch), lambda prompt: _line(drawn(prompt)), lambda text: print(drawn(text), flush=True)
    )
    try:
        return 0 if conversation.hold() else 130
    except KeyboardInterrupt:
        print(f"\nStopped. Everything recorded is kept; go on with: rungwise open {name} --plain")
        return 130
    finally:
        conversation.opened.close()
        desk.close()


def _drawn() -> Callable[[str], str]:
    """What is said, with the signs that the terminal has."""
    from tui.letters import Letters, shown_by, started_with

    letters = Letters(shown_by(started_with(os.environ), sys.stdout.encoding))
    return letters.drawn if letters.enabled else str


def _line(prompt: str) -> str:
    """The next line of stdin.  Raises EOFError at its end."""
    print(prompt, end="", flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


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
