"""What a call ended with, which grpc.aio can forget while messages are being sent."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio

from rollbook._dual import finished

# What grpc.aio says of itself where a message could not be sent: the call was over already.
_NOT_SENT = "Internal error from Core"


class Ending:
    """Keeps the server's status of a call, whatever is put in its place.

    If a message cannot be sent because the server has ended the call, grpc.aio writes an
    INTERNAL of its own over what the server said.
    """

    def __init__(self, call: Any) -> None:
        self._status: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._note)

    def _note(self, call: Any) -> None:
        # All of it is known by now: nothing waits.
        code, details = finished(call.code()), finished(call.details())
        if code is not grpc.StatusCode.OK and details != _NOT_SENT:
            trailing = finished(call.trailing_metadata())
            self._status = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details)

    def told(self, raised: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """Give what the server said, in the place of what was raised."""
        return self._status or raised
