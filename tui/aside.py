"""Processes of ours that a screen waits for, and that end with it."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process

PATIENCE = 2.0  # seconds that one has to end when it is asked to


async def ended(process: Process) -> None:
    """End it where it still runs, and take what it still says: a pipe left open outlives the screen, and is said.

    Where the app ends meanwhile nothing is waited for: it is killed, and its pipes are closed.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
    finally:
        process._transport.close()  # pyright: ignore[reportAttributeAccessIssue] - there is no other way that does not wait
