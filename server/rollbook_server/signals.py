"""How a server hears that it is to stop."""

from __future__ import annotations

import signal
import socket


def told_to_stop() -> socket.socket:
    """Give what a byte can be read from once SIGINT or SIGTERM came. For the main thread.

    Python runs its handlers in the main thread when that wakes up, and a signal that
    another thread took does not wake it: a server was seen that missed its SIGTERM.
    """
    told, tells = socket.socketpair()
    tells.setblocking(False)
    signal.set_wakeup_fd(tells.detach(), warn_on_full_buffer=False)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)
    return told
