"""Statements that go to PostgreSQL together, so that they are waited for once.

Each wait costs a writer more than most statements do: the way there and back, and Python's
lock, for which all threads that serve calls stand in line. psycopg's own pipeline sends, looks
at the socket and gives the lock away once for each of them: eight took 105 microseconds of
Python. Here all are sent before anything is looked at, by what the driver is made of.
"""

from __future__ import annotations

from select import POLLIN, POLLOUT, poll
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import adapt
from psycopg.adapt import PyFormat
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus

from rollbook_server.storage.postgres.answer import DONE, Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import Transformer
    from psycopg.pq.abc import PGconn, PGresult


class Statement:
    """A statement, and its answer once it is done."""

    def __init__(self, sql: str, parameters: Sequence[Any] | None = None) -> None:
        self._sql, self._parameters = sql.encode(), parameters or ()
        self.answer: Answer | None = None

    def prepare(self, transformer: Transformer) -> None:
        """Make what is sent; raises what the driver does for a value that cannot be."""
        self.answer = None
        formats = [PyFormat.AUTO] * len(self._parameters)
        self._values = transformer.dump_sequence(self._parameters, formats)
        self._types, self._formats = transformer.types, transformer.formats

    def send(self, server: PGconn) -> None:
        """Send it, or have it sent with what comes behind it."""
        server.send_query_params(self._sql, self._values, self._types, self._formats)

    def take(self, result: PGresult, transformer: Transformer) -> None:
        """Take the answer; raises the driver's error for what failed."""
        if result.status not in DONE:
            raise error_from_result(result)
        self.answer = Answer(result, transformer)


def run(connection: psycopg.Connection[Any], statements: Sequence[Statement]) -> None:
    """Run statements in order, up to the first that fails.

    Raises the driver's error of that one, or of the connection if it is cut; what was
    answered until then has its answer.
    """
    transformer = adapt.Transformer(connection)
    results: list[PGresult] = []
    for each in statements:
        each.prepare(transformer)
    cut: psycopg.Error | None = None
    try:
        _exchange(connection.pgconn, statements, results)
    except psycopg.Error as error:
        cut = error
    for each, result in zip(statements, results, strict=False):
        each.take(result, transformer)
    if cut is not None:
        raise cut


def _exchange(server: PGconn, statements: Sequence[Statement], results: list[PGresult]) -> None:
    """Send statements in one message, and collect what they give.

    A libpq from before version 14 sends them one by one.
    """
    if not psycopg.Pipeline.is_supported():
        return _one_by_one(server, statements, results)
    server.enter_pipeline_mode()
    try:
        for each in statements:
            each.send(server)
        server.pipeline_sync()
        for _ in statements:
            _collect(server, results)
        _next(server)  # that the message has ended
    finally:
        if server.status == ConnStatus.OK:
            server.exit_pipeline_mode()
    return None


def _one_by_one(server: PGconn, statements: Sequence[Statement], results: list[PGresult]) -> None:
    for each in statements:
        each.send(server)
        _collect(server, results)
        if results[-1].status not in DONE:
            return


def _collect(server: PGconn, results: list[PGresult]) -> None:
    """Wait for what a statement gives: one result, and the word that there is no other."""
    while (result := _next(server)) is not None:
        results.append(result)


def _next(server: PGconn) -> PGresult | None:
    """Wait for the next result, and send meanwhile what is not sent yet."""
    while server.is_busy():
        is_left = server.flush()
        waiting = poll()
        waiting.register(server.socket, POLLIN | (POLLOUT if is_left else 0))
        waiting.poll()
        server.consume_input()
    return server.get_result()
