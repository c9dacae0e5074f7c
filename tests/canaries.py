"""Searches what servers and commands say for secrets, while the whole suite runs.

Tokens, API keys and IMEIs are known by their form, passwords because they were hashed or
verified here. Looked through are the log of servers in this process, every status that they
send, the logs of server processes, tracebacks that commands keep, and what commands say of
failures. Answers are not: there secrets may stand, for those who may see them.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from google.protobuf import json_format
from google.rpc import status_pb2
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from rollbook_server import logs
from rollbook_server.domain import token_values
from rollbook_server.observing import observation
from rollbook_server.passwords import Argon2Passwords
from rollbook_server.transport.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from rollbook_server.observing.endpoint import Endpoint
    from rollbook_server.observing.metrics import Metrics

_API_KEY = re.compile(r"rbk_[\w-]{20,}")
_IMEI = re.compile(r"(?<![\w.-])(?:\d{14,16}|\d\d[ -]\d{6}[ -]\d{6}[ -]\d)(?!\w|\.\d)")
_TOKEN = re.compile(r"(?<![\w-])[0-9A-Za-z]{5}(?:[ \u2013-]?[0-9A-Za-z]{5}){5}(?![\w-])")
# Made up at random, a text is now a password and then a name; two words are our own.
_PASSWORD = re.compile(r"\w{3,} \w{3,}")
# As servers in processes of their own get them.
_PASSWORDS = ("correct horse", "battery staple", "hunter2 hunter2")
# Files that servers and commands write for whoever looks after them.
_LOGS = ("*.log", "*.traceback")

UNASKED = "[::1]:0"
"""Where servers of tests would tell metrics: they gather them, but serve them nowhere."""


class Canaries(logging.Handler):
    """Remembers the passwords of the suite, and where anything secret turned up."""

    def __init__(self) -> None:
        super().__init__()
        self._passwords = set(_PASSWORDS)
        self.leaks: list[str] = []

    def watch(self, patches: ExitStack) -> None:
        """Look at all that is said in this process from now on."""
        logger = logging.getLogger("rollbook_server")
        logger.setLevel(logging.INFO)  # as `rollbook serve` has it
        logger.addHandler(self)
        patches.callback(logger.removeHandler, self)
        patches.enter_context(
            patch(
                "rollbook_server.observing.traces.processor",
                lambda: SimpleSpanProcessor(_SpanLooker(self)),
            )
        )
        told = patch.object(observation, "endpoint", _only_if_asked(observation.endpoint))
        patches.enter_context(told)
        sent = self._looked_at(status_of)
        patches.enter_context(patch("rollbook_server.transport.guard.status_of", sent))
        for name in ("hash", "verify"):
            known = self._remembered(getattr(Argon2Passwords, name))
            patches.enter_context(patch.object(Argon2Passwords, name, known))

    def begin(self) -> None:
        """Begin a test: forget what was found, and let every call leave a line."""
        self.leaks.clear()
        logging.getLogger(logs.ACCESS).setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line of the log, with its traceback."""
        self.look("log", f"{self.format(record)} {getattr(record, 'call', '')}")

    def look_at_metrics(self, metrics: Metrics | None) -> None:
        """Look at the names and labels of what a server counted."""
        families = metrics.collect(with_roll=False) if metrics else ()
        for sample in (sample for family in families for sample in family.samples):
            self.look("metrics", f"{sample.name} {sample.labels}")

    def look(self, place: str, text: str, *, imeis: bool = True) -> None:
        """Note whatever secret the text holds."""
        for kind, secret in self._found(text):
            if imeis or kind != "IMEI":
                self.leaks.append(f"{kind} {secret!r} in {place}: {text[:500]!r}")

    def look_into(self, folder: Path) -> None:
        """Look through the logs in a folder."""
        for pattern in _LOGS:
            for path in folder.rglob(pattern):
                self.look(path.name, path.read_text(errors="replace"))

    def _found(self, text: str) -> Iterator[tuple[str, str]]:
        yield from (("API key", each) for each in _API_KEY.findall(text))
        yield from (("IMEI", each) for each in _IMEI.findall(text))
        for each in _TOKEN.findall(text):
            if token_values.normalise(each) is not None:
                yield "token", each
        yield from (("password", each) for each in self._passwords if each in text)

    def _looked_at(self, status_of: Any) -> Any:
        def looked_at(error: Any) -> Any:
            status = status_of(error)
            details = dict(status.trailing_metadata)["grpc-status-details-bin"]
            told = json_format.MessageToJson(status_pb2.Status.FromString(details))
            self.look("status", f"{status.details}\n{told}")
            return status

        return looked_at

    def _remembered(self, method: Any) -> Any:
        def remembered(hasher: Argon2Passwords, password: str, *rest: str) -> Any:
            if _PASSWORD.search(password):
                self._passwords.add(password)
            return method(hasher, password, *rest)

        return remembered


class _SpanLooker(SpanExporter):
    """Looks at spans in place of a collector."""

    def __init__(self, canaries: Canaries) -> None:
        self._canaries = canaries

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            events = [(event.name, event.attributes) for event in span.events]
            told = f"{span.name} {span.attributes} {events} {span.status.description}"
            self._canaries.look("span", told)
        return SpanExportResult.SUCCESS


def _only_if_asked(endpoint: Any) -> Any:
    def only_if_asked(address: str, metrics: Metrics) -> Endpoint | None:
        return None if address == UNASKED else endpoint(address, metrics)

    return only_if_asked


CANARIES = Canaries()
"""The ones of this run."""
