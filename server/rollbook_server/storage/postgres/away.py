"""Whether a database is only away, and may be back in a moment, or will not do as it is set.

What the server says before it lets us in comes without its SQLSTATE, so it is known by its
words. Where these are not English, it is asked whether it turns everybody away.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

if TYPE_CHECKING:
    from collections.abc import Iterator

# The system's own words for a machine, or a program on it, that is not there.
_NOT_THERE = (
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENOENT,  # the socket of a server on this machine
    errno.EAGAIN,  # the same, before which too many stand
    errno.ETIMEDOUT,
)
# Without what stands before it, a certificate that is not there would be waited for as well.
_FAILED = tuple(f"failed: {os.strerror(number)}" for number in _NOT_THERE)
_FULL = ("too many clients", "too many connections", "remaining connection slots are reserved")
_WORDS = (
    *_FAILED,
    "timeout expired",
    "failed to resolve host",
    "could not translate host name",
    "could not receive data from server",
    "could not send startup packet",
    "SSL SYSCALL error",
    "server closed the connection unexpectedly",
    "the connection is lost",
    "the connection is closed",
    "session is read-only",  # a standby, where no other host takes writes
    "server is in hot standby mode",
    "the database system is ",  # starting up, shutting down, in recovery mode
    *_FULL,
    # What PgBouncer says where nothing answers behind it.
    "cannot connect to server",
    "connect failed",
    "no more connections allowed",
    "query_wait_timeout",
)
# The classes of connections, of resources and of operators, and a server that only reads. A
# disk that is full is told at once, as is a time that the role is given and that is too short.
_STATES = ("08", "532", "533", "57P", "25006")
_PING_SECONDS = 5


def is_away(error: BaseException, url: str) -> bool:
    """Tell whether the database of the URL may do what failed so if it is asked again."""
    state = _state(error)
    if state:
        return state.startswith(_STATES)
    complaints = list(_complaints(str(error)))
    return all(map(_passes, complaints)) or _turns_everybody_away(url)


def is_full(error: BaseException) -> bool:
    """Tell whether there was no connection left for us."""
    return any(words in str(error) for words in _FULL)


def _state(error: BaseException | None) -> str:
    """Give the SQLSTATE, if the server said any, of the driver's error beneath peewee's."""
    while error is not None:
        if state := getattr(error, "sqlstate", None):
            return str(state)
        error = error.__context__
    return ""


def _complaints(text: str) -> Iterator[str]:
    """Give what each of several hosts said, or the only one."""
    _, *each = text.split("\n- host")
    yield from each or [text]


def _passes(complaint: str) -> bool:
    return any(words in complaint for words in _WORDS)


def _turns_everybody_away(url: str) -> bool:
    """Ask, in whatever language it speaks, whether the server starts, stops or recovers.

    libpq keeps Python's lock meanwhile; but who said words that we do not know is quick to answer.
    """
    where = make_conninfo(url, connect_timeout=_PING_SECONDS)
    return PGconn.ping(where.encode()) == Ping.REJECT
