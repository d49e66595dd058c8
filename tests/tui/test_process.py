"""The app as a process: what it imports, and how it ends."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time

import psutil
import pytest

from storage.store import Store

HEAVY = {"numpy", "pandas", "scipy", "sklearn", "skrub", "torch", "keras", "pyarrow"}

WALK = """
import asyncio, sys
from pathlib import Path
from tui.app import RungwiseApp

def desk():
    from tui.store_desk import StoreDesk
    return StoreDesk(Path(sys.argv[1]))

async def main():
    app = RungwiseApp(desk)
    before = {m.partition(".")[0] for m in sys.modules}
    assert not before & {"storage", "sqlite_utils", "sqlite3"}, before & {"storage", "sqlite_utils", "sqlite3"}
    async with app.run_test(size=(120, 40)) as pilot:
        while not app._home.loaded:
            await pilot.pause(0.02)
        await pilot.press("n")
        await pilot.pause(0.3)
        import tui.screens.begin, tui.screens.journal, tui.screens.reading, tui.screens.workbench, engine.stages
        from textual.widgets import Input
        app.screen.query_one("#path", Input).value = sys.argv[2]
        await pilot.press("enter")
        for _ in range(200):
            await pilot.pause(0.02)
            if type(app.screen).__name__ == "Workbench" and app.screen.waiting is not None:
                break
        assert type(app.screen).__name__ == "Workbench", app.screen
        await pilot.press("j")
        await pilot.pause(0.1)
    print(*{m.partition(".")[0] for m in sys.modules})

asyncio.run(main())
"""


def test_the_running_app_imports_nothing_heavy(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40)))
    words = [sys.executable, "-c", WALK, str(tmp_path / "s.db"), str(table)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    finally:
        _end_worker(tmp_path / "s.db")
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(done.stdout.strip().splitlines()[-1].split())
    assert not loaded & HEAVY


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no hang-ups on this system")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(tmp_path, number):
    main, other = pty.openpty()
    env = os.environ | {"TERM": "xterm-256color", "RUNGWISE_STORE": str(tmp_path / "s.db")}
    app = subprocess.Popen([sys.executable, "-m", "tui.cli"], stdin=other, stdout=other, stderr=other, env=env)
    os.close(other)
    seen = _read_until(main, b"begin with", 60)
    assert b"\x1b[?1049h" in seen
    app.send_signal(number)
    seen = _read_until(main, b"\x1b[?1049l", 60)
    assert b"\x1b[?1049l" in seen  # the alternate screen is left
    assert b"\x1b[?25h" in seen  # the cursor is back
    assert b"\x1b[?1000l" in seen  # the mouse reports are off
    assert app.wait(60) == 128 + number
    os.close(main)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no hang-ups on this system")
def test_a_dropped_line_ends_the_app_and_keeps_what_was_typed_last(tmp_path):
    """The other end of the terminal is gone in the middle of a sentence, as when an SSH connection breaks."""
    table, store = tmp_path / "t.csv", tmp_path / "s.db"
    table.write_text("a,b\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(40)))
    child, main = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "RUNGWISE_STORE": str(store)}
        os.execv(sys.executable, [sys.executable, "-m", "tui.cli", "new", str(table), "--target", "b", "--name", "t"])
    try:
        assert b"differently" in _read_until(main, b"differently", 60)
        os.write(main, b"They call the first ten")
        _read_until(main, b"ten", 60)
        os.write(main, b" on Monday")
        _read_until(main, b"Monday", 60)
        os.close(main)
        ended = psutil.Process(child).wait(60)
        assert ended == 128 + signal.SIGHUP
        with Store.open(store, read_only=True) as kept:
            draft = kept.drafts.get("t", "problem.statement", "")
        assert draft["form"] == "They call the first ten on Monday"
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(child).kill()
        _end_worker(store)


def _end_worker(store):
    """The app's worker outlives it, as it should; here it would only wait for its ten idle minutes."""
    for process in psutil.process_iter(["cmdline"]):
        if {"worker", str(store)} <= set(process.info["cmdline"] or ()):
            process.terminate()


def _read_until(file, wanted, seconds):
    seen, end = b"", time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < end:
        if select.select([file], [], [], 0.2)[0]:
            try:
                seen += os.read(file, 65536)
            except OSError:
                break
    time.sleep(0.3)
    while select.select([file], [], [], 0)[0]:
        try:
            more = os.read(file, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
    return seen
