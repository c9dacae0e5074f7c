"""A line of the log for every call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import grpc

from rollbook_server.domain.errors import Reason
from rollbook_server.domain.origins import origins
from rollbook_server.logs import ACCESS
from rollbook_server.transport.peers import source_of

if TYPE_CHECKING:
    from rollbook_server.transport.watch import SeenCall

_log = logging.getLogger(ACCESS)

_OUR_FAULT = frozenset(
    {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
)

_GET_UPLOAD = "/rollbook.v1.DeviceService/GetUpload"
_WATCH = "/grpc.health.v1.Health/Watch"

# What ends so, and with this reason, by what its caller is there for, and is no failure: a
# watcher of health leaves, a client asks no more how far its upload is, or asks before the
# server has the beginning of it. With any other reason it was refused, which is one.
_ORDINARY = frozenset(
    {
        (_WATCH, grpc.StatusCode.CANCELLED, ""),
        (_WATCH, grpc.StatusCode.UNAVAILABLE, ""),  # as the server stops
        (_GET_UPLOAD, grpc.StatusCode.CANCELLED, ""),
        (_GET_UPLOAD, grpc.StatusCode.NOT_FOUND, Reason.UPLOAD_NOT_FOUND),
    }
)


class AccessLog:
    """Tells of calls when they end; of how many decides the level of the log.

    What stands in a line is ours: names of methods, codes, reasons, ids, and a request_id
    that was looked at. Of the caller's address only the network: the whole one is in the
    audit log, which fewer may read.
    """

    @property
    def is_on(self) -> bool:
        """Whether any call is told of."""
        return _log.isEnabledFor(logging.ERROR)

    def came(self, call: SeenCall) -> None:
        """Wait for its end."""

    def ended(self, call: SeenCall) -> None:
        """Write the line, if such calls are told of."""
        level = _level(call)
        if _log.isEnabledFor(level):
            _log.log(level, "%s %s", call.method, call.code.name, extra={"call": _told(call)})


def _level(call: SeenCall) -> int:
    is_ordinary = (call.path, call.code, call.reason) in _ORDINARY
    if call.code is grpc.StatusCode.OK or is_ordinary:
        return logging.INFO
    return logging.ERROR if call.code in _OUR_FAULT else logging.WARNING


def _told(call: SeenCall) -> dict[str, str | float | int]:
    return {
        "request_id": call.request_id,
        "service": call.service,
        "method": call.method,
        "code": call.code.name,
        "reason": call.reason,
        "milliseconds": round(call.seconds * 1000, 3),
        "received": call.received,
        "sent": call.sent,
        "network": origins(source_of(call.peer))[-1],
        "api_key_id": call.api_key_id,
    }
