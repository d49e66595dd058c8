"""Processes that a screen waits for end with it, and leave nothing open."""

import asyncio
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
