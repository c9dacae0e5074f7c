"""How a server hears that it is to stop, and whatever else it is told by signals."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping
from threading import Thread

Heard = Mapping[signal.Signals, Callable[[], None]]


def told_to_stop(others: Heard | None = None) -> socket.socket:
    """Give what a byte can be read from once SIGINT or SIGTERM came. For the main thread.

    Each of the `others` calls what stands beside it, in a thread of its own.

    Python runs its handlers in the main thread when that wakes up, and a signal that
    another thread took does not wake it: a server was seen that missed its SIGTERM.
    """
    heard, wakes = socket.socketpair()
    told, tells = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.detach(), warn_on_full_buffer=False)
    for name in (signal.SIGINT, signal.SIGTERM, *(others or ())):
        signal.signal(name, lambda *_: None)
    listening = Thread(
        target=_listen, args=(heard, tells, others or {}), name="rollbook-signals", daemon=True
    )
    listening.start()
    return told


def spare(others: Heard) -> None:
    """Let such signals do nothing until `told_to_stop` hears them: by itself they end a process.

    Those that it starts inherit that.
    """
    for name in others:
        signal.signal(name, signal.SIG_IGN)


def _listen(heard: socket.socket, tells: socket.socket, others: Heard) -> None:
    """Pass signals on; each comes as a byte that is its number."""
    while numbers := heard.recv(64):
        for number in numbers:
            if number in (signal.SIGINT, signal.SIGTERM):
                tells.send(b"\0")
            elif number in others:
                others[signal.Signals(number)]()
