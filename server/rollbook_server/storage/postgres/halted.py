"""Ends who holds the writers' row and is not heard of any more: nobody else could write.

A transaction that is idle loses it by `idle_in_transaction_session_timeout`. One whose server is
halted in the middle of a COPY, or of a long message, counts as active: PostgreSQL waits for the
rest for as long as the connection stands.
"""

from __future__ import annotations

import logging
from time import sleep
from typing import TYPE_CHECKING, Any

from peewee import DatabaseError, InterfaceError

from rollbook_server.storage.postgres.outbox import Statement

if TYPE_CHECKING:
    from rollbook_server.storage.postgres.roll import PostgresRoll

_log = logging.getLogger(__name__)

# Who locked a row stands in its xmax, and can be looked up without waiting for it. Others than
# our own role are not seen. What moves tells a slow server from a halted one: each statement has
# a time, and within a COPY each piece that arrives counts.
_HELD = """
SELECT activity.pid, query_start, state_change, bytes_processed
FROM writers JOIN pg_stat_activity activity ON backend_xid = writers.xmax
    LEFT JOIN pg_stat_progress_copy progress ON progress.pid = activity.pid
WHERE writer = '' AND state = 'active' AND wait_event = 'ClientRead'
"""
_END = f"SELECT pg_terminate_backend(pid) FROM ({_HELD}) held WHERE pid = ?"

# Together nearly as long as a transaction may be idle; and with the time that the row was waited
# for within 30 seconds, behind which most callers are gone.
_MORE_LOOKS, _LOOK_SECONDS = 2, 4.0


def end_holder(database: PostgresRoll) -> bool:
    """End the transaction that holds the row if nothing moves in it; tell whether that was done.

    Nobody is ended where PostgreSQL does not tell all of this, as before version 14.
    """
    try:
        held = _look(database)
        if held is None or _moves(database, held) or not _ended(database, held):
            return False
    except (DatabaseError, InterfaceError):
        return False
    _log.warning(
        "another server is halted, or gone, in the middle of a transaction that kept all others "
        "from writing: its connection was ended, and what it had not committed is undone"
    )
    return True


def _look(database: PostgresRoll) -> tuple[Any, ...] | None:
    return _asked(database, _HELD)


def _moves(database: PostgresRoll, held: tuple[Any, ...]) -> bool:
    """Look again, and again, until something is another than it was."""
    for _ in range(_MORE_LOOKS):
        sleep(_LOOK_SECONDS)
        if _look(database) != held:
            return True
    return False


def _ended(database: PostgresRoll, held: tuple[Any, ...]) -> bool:
    pid, *_ = held
    return _asked(database, _END, (pid,)) == (True,)


def _asked(
    database: PostgresRoll, sql: str, parameters: tuple[Any, ...] = ()
) -> tuple[Any, ...] | None:
    """Ask in a transaction of its own: within one PostgreSQL tells of activity once."""
    asked = Statement(database.spelled(sql), parameters)
    database.run([asked])
    return asked.answer.fetchone() if asked.answer else None
