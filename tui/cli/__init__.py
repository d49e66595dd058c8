"""The command line `rungwise`.  Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.errors import RungwiseError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """The program's entry: runs a command and ends with its exit status."""
    # Half of the cores for the threads of a fit, and sums run in one.  A vectorised fit gains little from the other
    # half (boosting of 20,000 rows takes 0.3 s on one core of two and on both), and loses much where another program
    # wants it: 0.7 s with all threads, 0.3 s so.  Threads that wait asleep (OMP_WAIT_POLICY=PASSIVE) cost ten times
    # the fit where nobody else is at work.  Read once, when a library is loaded: so before anything heavy is imported.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // 2)))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a sign that the terminal's encoding lacks ends no command
            stream.reconfigure(errors="replace" if stream.errors == "strict" else stream.errors)
    status = status_of(sys.argv[1:] if arguments is None else list(arguments))
    if status == INTERRUPTED:
        # Python itself ends by the signal, and not with a status, where an interrupt passed through its `exec`, as it
        # does while a library is imported.  Everything that was recorded is on the disk already.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def status_of(arguments: Sequence[str]) -> int:
    """Run a command; its exit status.  0 done, 1 data or store, 2 usage or plan, 3 refused, 130 interrupted."""
    try:
        return _run(arguments)
    except RungwiseError as problem:
        _say(str(problem))
        return problem.exit_status
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        _say(f"{problem.strerror or problem}{f': {problem.filename}' if problem.filename else ''}.")
        return 1
    except Exception as problem:  # whatever is left is our own mistake: a sentence here, the traceback in a file
        from tui.cli.failure import write_down

        _say(write_down(problem))
        return 1


def _run(arguments: Sequence[str]) -> int:
    match arguments:  # the first screen does not wait for the command line's library
        case [] | ["--store", str()]:
            from tui.cli.app import go_home

            return go_home(store_path(Path(arguments[1])) if arguments else None)
    from tui.cli.commands import app

    try:
        status = app(list(arguments), prog_name="rungwise", standalone_mode=False)
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # which the library has made a status of
            raise ended.__context__ from None
        return ended.code if isinstance(ended.code, int) else 0
    except Exception as problem:
        from tui.cli.usage import is_usage, sentence

        if not is_usage(problem):
            raise
        _say(sentence(problem))
        return 2
    return status if isinstance(status, int) else 0


def _say(sentence: str) -> None:
    """One message on stderr, shown literally; a message of several lines keeps them."""
    from engine.words import literal

    for line in sentence.splitlines() or [sentence]:
        print(literal(line), file=sys.stderr)


def store_path(named: Path | None) -> Path:
    """The store that is meant: --store, RUNGWISE_STORE, or the one in the user's data directory."""
    from storage.opening import default_path

    return (named.expanduser() if named is not None else default_path()).absolute()
