"""Tells systemd how a server is, if it is one of its services with `Type=notify`.

The protocol is a datagram to the socket that it names; systemd's manual, sd_notify(3).
"""

from __future__ import annotations

import logging
import os
import socket
from enum import StrEnum

_VARIABLE = "NOTIFY_SOCKET"

_log = logging.getLogger(__name__)


class State(StrEnum):
    """What is told."""

    # It takes longer to start than usual: so many microseconds more, told anew in time.
    WAITING = "EXTEND_TIMEOUT_USEC=60000000"
    READY = "READY=1"
    STOPPING = "STOPPING=1"


def notify(state: State, status: str) -> None:
    """Tell the state, and a line for `systemctl status`; nothing where nobody asks for it."""
    path = os.environ.get(_VARIABLE)
    if not path:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.connect(f"\0{path[1:]}" if path.startswith("@") else path)
            told.sendall(f"{state}\nSTATUS={status}".encode())
    except OSError as error:
        _log.warning("systemd cannot be told that this server is %s: %s", state, error)
