"""What the database complains of, in the words of the domain."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import peewee

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_SECONDS = 5  # a busy file is rarely free within less

# The second where we pass peewee by, for many rows in one statement.
_KINDS = (peewee.OperationalError, sqlite3.OperationalError)
# What SQLite says of faults that may pass by themselves.
_PASSING = ("locked", "busy", "disk i/o error", "unable to open", "readonly")


def translated(error: BaseException) -> BaseException:
    """Give the domain's error for a failure of the database; others as they are."""
    texts = [str(each).lower() for each in _chain(error) if isinstance(each, _KINDS)]
    if any("is full" in text for text in texts):
        return disk_full()
    if any(word in text for text in texts for word in _PASSING):
        return RollbookError(
            Reason.STORE_UNAVAILABLE,
            "The server's database does not answer. Only what was answered is kept; an upload "
            "stands at its committed position. Try again.",
        ).retry_after(RETRY_SECONDS)
    return error


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
