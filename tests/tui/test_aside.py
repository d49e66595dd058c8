"""Processes that a screen waits for end with it, and leave nothing open."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from tui import aside

SLOW = "import time; print('begun', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun', flush=True); time.sleep(60)"


async def asked(code: str):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
    assert process.stdout is not None
    return process


@pytest.mark.parametrize("code", [SLOW, DEAF], ids=["asked to end", "ended"])
async def test_a_process_ends_when_the_one_who_waits_for_it_is_cancelled(code, monkeypatch):
    monkeypatch.setattr(aside, "PATIENCE", 0.3)
    process = await asked(code)
    await process.stdout.readline()

    async def waiting():
        try:
            await process.communicate()
        finally:
            await aside.ended(process)

    task = asyncio.ensure_future(waiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert process.returncode is not None
    assert process.stdout.at_eof()
    assert process.stderr.at_eof()


async def test_one_that_has_ended_is_left_as_it_is():
    process = await asked("print('said')")
    said, _ = await process.communicate()
    await aside.ended(process)
    assert (said.strip(), process.returncode) == (b"said", 0)


async def test_where_the_app_ends_meanwhile_nothing_is_left_open():
    process = await asked(DEAF)
    await process.stdout.readline()
    ending = asyncio.ensure_future(aside.ended(process))
    await asyncio.sleep(0.05)  # it waits for one that does not hear
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert process._transport.is_closing()
    await process.wait()  # and it was killed
    assert process.returncode == -signal.SIGKILL
