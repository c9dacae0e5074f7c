"""The log of a server process: lines on stderr, without secrets.

As text for people, or as JSON for machines, a line each. How much is told can be changed
while the server runs: `tell_all`, and `tell_as_begun` to take that back.
"""

from __future__ import annotations

import json
import logging
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rollbook_server.domain import tracks
from rollbook_server.domain.redaction import redacted

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
ACCESS_LEVELS = {"off": logging.CRITICAL, "failures": logging.WARNING, "all": logging.INFO}
"""Which calls leave a line: at INFO if they went well or ended as such calls do, else at
WARNING or ERROR."""

ACCESS = "rollbook_server.access"
"""The name of the log of calls; what it tells holds nothing that a caller made up."""

_OURS = "rollbook_server"
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the log is written and how much of it: of FORMATS, LEVELS and ACCESS_LEVELS."""

    format: str = "text"
    level: str = "info"
    access: str = "off"


class _Text(logging.Formatter):
    """Lines for people; keeps secrets out, also out of tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if record.name == ACCESS:
            call: dict[str, Any] = getattr(record, "call", {})
            return line + "".join(f" {name}={told}" for name, told in call.items() if told != "")
        track = tracks.current()
        return redacted(line) + (f" [request_id={track.request_id}]" if track else "")


class _Json(logging.Formatter):
    """Lines for machines: one object each, with the call under way if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.name == ACCESS:
            return json.dumps(told | getattr(record, "call", {}))
        return redacted(json.dumps(told | _of_track() | self._trace(record)))

    def _trace(self, record: logging.LogRecord) -> dict[str, str]:
        return {"traceback": self.formatException(record.exc_info)} if record.exc_info else {}


def _of_track() -> dict[str, str]:
    track = tracks.current()
    if track is None:
        return {}
    return {"request_id": track.request_id, "api_key_id": track.api_key_id}


def _is_of_ours(record: logging.LogRecord) -> bool:
    """Leave out what gRPC tells of headers that are no text, with a traceback for each.

    Anyone can send them, as many as they like and with whatever in it; the calls are
    answered as any others.
    """
    return not str(record.msg).startswith("Invalid encoding on")


def begin(settings: LogSettings) -> None:
    """Let everything be logged that is worth knowing; once, for the whole process."""
    global _begun  # noqa: PLW0603 - Python has one log in a process as well
    _begun = settings
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if settings.format == "json" else _Text(_TEXT))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_of_ours)
    _set(settings.level, settings.access)


def tell_all() -> None:
    """Log at DEBUG, and a line for every call, whatever was chosen."""
    _set("debug", "all")
    _log.warning("logging all there is, until SIGUSR2 comes")


def tell_as_begun() -> None:
    """Log as much again as when the server started."""
    _log.warning("logging at level %s again, of calls: %s", _begun.level, _begun.access)
    _set(_begun.level, _begun.access)


TOLD_BY = {signal.SIGUSR1: tell_all, signal.SIGUSR2: tell_as_begun}
"""What a server does about its log when it gets a signal."""

_begun = LogSettings()


def _set(level: str, access: str) -> None:
    """Set the levels; what is not ours tells no less than INFO, for its DEBUG shows values."""
    chosen = getattr(logging, level.upper())
    logging.getLogger().setLevel(max(chosen, logging.INFO))
    logging.getLogger(_OURS).setLevel(chosen)
    logging.getLogger(ACCESS).setLevel(ACCESS_LEVELS[access])
