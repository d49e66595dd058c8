"""Every flag, by number; and those that this program does not raise, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from engine.review import frame, lockbox, network, proof
from engine.review.flag import Flag

FLAGS: tuple[Flag, ...] = tuple(
    sorted((*lockbox.FLAGS, *proof.FLAGS, *frame.FLAGS, *network.FLAGS), key=lambda flag: (flag.id[:3], flag.id))
)

# Of the decision catalogue's section 8; a journal never holds what it would need.
LEFT_OUT: Mapping[str, str] = {
    "M31": "a session is bound to one content of its file: when that changes, the session does not go on.",
}
