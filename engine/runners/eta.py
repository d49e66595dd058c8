"""How long work in equal parts will still take, when several are computed at once."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

_TELLING = 0.1  # of a part that must be done before its pace says something


@dataclass(frozen=True)
class Underway:
    """A part that is being computed: for how many seconds, and how much of it is done, where it tells."""

    seconds: float
    share: float = 0.0


def left(finished: Sequence[float], underway: Sequence[Underway], waiting: int, hands: int) -> float | None:
    """Seconds until all is done, None before anything tells.

    finished: seconds that parts took that are done.  waiting: parts that nobody has begun.  Each part is taken to last
    as long as those before it; whoever is free first takes the next.
    """
    paces = [*finished, *(part.seconds / part.share for part in underway if not finished and part.share >= _TELLING)]
    if not paces:
        return None
    usual = sum(paces) / len(paces)
    ends = [max(usual - part.seconds, 0.0) for part in underway]
    ends += [0.0] * (hands - len(ends))
    heapq.heapify(ends)
    for _ in range(waiting if ends else 0):
        heapq.heapreplace(ends, ends[0] + usual)
    return max(ends, default=0.0)
