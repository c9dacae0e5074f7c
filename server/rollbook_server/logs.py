"""The log of a server process: lines on stderr, without secrets."""

from __future__ import annotations

import logging

from rollbook_server.domain.redaction import redacted


class _Redacting(logging.Formatter):
    """Keeps secrets out of the log, also out of tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def _is_of_ours(record: logging.LogRecord) -> bool:
    """Leave out what gRPC tells of headers that are no text, with a traceback for each.

    Anyone can send them, as many as they like and with whatever in it; the calls are
    answered as any others.
    """
    return not str(record.msg).startswith("Invalid encoding on")


def begin() -> None:
    """Let everything be logged that is worth knowing; once, for the whole process."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_of_ours)
