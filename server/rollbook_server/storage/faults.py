"""What the database complains of, in the words of the domain."""

from __future__ import annotations

import logging
import sqlite3
import threading
from time import monotonic
from typing import TYPE_CHECKING

import peewee
from playhouse.pool import MaxConnectionsExceeded

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)

RETRY_SECONDS = 5  # a busy file is rarely free within less

# A cause is written down once in so many seconds, and of different ones no more than so many.
CAUSE_SECONDS, MOST_CAUSES = 60.0, 20

# The second where we pass peewee by, for many rows in one statement.
_KINDS = (peewee.OperationalError, sqlite3.OperationalError)
# What SQLite says of faults that may pass by themselves.
_PASSING = ("locked", "busy", "disk i/o error", "unable to open", "readonly")
# The same as SQLSTATE: a disk that is full, and the classes of connections, of resources, of
# transactions that clashed or waited too long, of operators, and of a server that only reads.
_FULL = "53100"
_PASSING_STATES = ("08", "53", "40", "55P03", "57", "25006", "25P03")
# Raised without a SQLSTATE where the connection is gone, or no one is free.
_CUT = (peewee.OperationalError, peewee.InterfaceError, MaxConnectionsExceeded)


def translated(error: BaseException) -> BaseException:
    """Give the domain's error for a failure of the database; others as they are."""
    if isinstance(error, RollbookError):
        return error
    chain = list(_chain(error))
    states = {state for each in chain if (state := getattr(each, "sqlstate", None))}
    texts = [str(each).lower() for each in chain if isinstance(each, _KINDS)]
    if _FULL in states or any("is full" in text for text in texts):
        return disk_full()
    passes = any(map(_passes, states)) or any(word in text for text in texts for word in _PASSING)
    if passes or any(isinstance(each, _CUT) and not states for each in chain):
        _CAUSES.tell(error)
        return store_unavailable()
    return error


class _Causes:
    """Writes down why calls get STORE_UNAVAILABLE, which does not tell them; each once a minute.

    Thread-safe.
    """

    def __init__(self) -> None:
        self._lock, self._told = threading.Lock(), dict[str, float]()

    def tell(self, error: BaseException) -> None:
        text = cause(error)
        if self._is_due(text):
            _log.warning("the database does not do what it is asked: %s", text)

    def _is_due(self, text: str) -> bool:
        now = monotonic()
        with self._lock:
            since = now - CAUSE_SECONDS
            self._told = {each: time for each, time in self._told.items() if time > since}
            is_due = text not in self._told and len(self._told) < MOST_CAUSES
            if is_due:
                self._told[text] = now
        return is_due


_CAUSES = _Causes()


def cause(error: BaseException) -> str:
    """Give what the database complains of in a line, for a log.

    It is the first line, behind which rows may stand, and of several hosts each one's.
    """
    first, *others = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join([first, *(line for line in others if line.startswith("- host"))])


def _passes(state: str) -> bool:
    return state.startswith(_PASSING_STATES)


def store_unavailable() -> RollbookError:
    """Give the error for a database that does not answer."""
    return RollbookError(
        Reason.STORE_UNAVAILABLE,
        "The server's database does not answer. Only what was answered is kept; an upload "
        "stands at its committed position. Try again.",
    ).retry_after(RETRY_SECONDS)


def disk_full() -> RollbookError:
    """Give the error for a disk that takes no more."""
    return RollbookError(
        Reason.STORE_FULL,
        "The server's disk is full. Only what was answered is kept; an upload stands at its "
        "committed position. Make room and try again.",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__context__
