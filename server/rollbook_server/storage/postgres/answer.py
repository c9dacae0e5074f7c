"""What a statement gave that was sent by `outbox`, for those who know cursors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.pq import ExecStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.abc import Transformer
    from psycopg.pq.abc import PGresult

DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Answer:
    """Rows and counts of a statement that is DONE, under the names that a driver's cursor has."""

    def __init__(self, result: PGresult, transformer: Transformer) -> None:
        self._result = result
        transformer.set_pgresult(result)
        self._rows = iter(transformer.load_rows(0, result.ntuples, tuple))

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """Give the next row."""
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give the rows that are left."""
        return list(self._rows)

    def close(self) -> None:
        """Do nothing: all is here already."""

    @property
    def description(self) -> list[tuple[str]]:
        """Give the names of the columns."""
        names = map(self._result.fname, range(self._result.nfields))
        return [((name or b"").decode(),) for name in names]

    @property
    def rowcount(self) -> int:
        """Count the rows that were given, or else written."""
        if self._result.status == ExecStatus.TUPLES_OK:
            return self._result.ntuples
        count = self._result.command_tuples
        return -1 if count is None else count

    @property
    def statusmessage(self) -> str:
        """Give what PostgreSQL calls what it did."""
        return (self._result.command_status or b"").decode()
