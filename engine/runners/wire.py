"""Messages between processes of ours: JSON and bytes over a socket.  Nothing is pickled."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping

from engine.records import Json

_LENGTHS = struct.Struct(">IQ")

Message = tuple[dict[str, Json], bytes]


def send(to: socket.socket, said: Mapping[str, Json], body: bytes = b"") -> None:
    """Send a message whole.  Raises OSError when nobody is at the other end."""
    text = json.dumps(said).encode()
    to.sendall(_LENGTHS.pack(len(text), len(body)) + text)
    if body:
        to.sendall(body)


def receive(whom: socket.socket) -> Message | None:
    """The next message; None when the other end is gone, also in the middle of one."""
    lengths = _exactly(whom, _LENGTHS.size)
    if lengths is None:
        return None
    of_text, of_body = _LENGTHS.unpack(lengths)
    text, body = _exactly(whom, of_text), _exactly(whom, of_body)
    return None if text is None or body is None else (json.loads(text), bytes(body))


def _exactly(whom: socket.socket, wanted: int) -> bytearray | None:
    content = bytearray(wanted)
    view = memoryview(content)
    while len(view):
        try:
            got = whom.recv_into(view)
        except OSError:  # reset, or silent for longer than the socket's patience
            return None
        if not got:
            return None
        view = view[got:]
    return content
