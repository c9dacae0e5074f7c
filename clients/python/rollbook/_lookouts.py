"""What is asked every so often while a stream goes on: how much of it is durable.

The answer of a stream comes at its end, and what gRPC took of it may lie in buffers for
minutes. So the server is asked beside it, on the same connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook.v1 import device_service_pb2

# Short uploads are followed, too, and long ones cost little.
_FIRST_SECONDS = 0.1
_MOST_SECONDS = 1.0

# Questions wait behind megabytes that are on their way already.
TIMEOUT_SECONDS = 60.0


@dataclass(eq=False)
class Lookout:
    """A question, of which one at most is under way; `told` gets None if it is refused."""

    method: grpc.UnaryUnaryMultiCallable[
        device_service_pb2.GetUploadRequest, device_service_pb2.GetUploadResponse
    ]
    request: device_service_pb2.GetUploadRequest
    told: Callable[[device_service_pb2.GetUploadResponse | None], None]
    _is_refused: bool = False

    def waits(self) -> Iterator[float]:
        """Give the seconds before each question, for as long as there is one to ask."""
        seconds = _FIRST_SECONDS
        while not self._is_refused:
            yield seconds
            seconds = min(2 * seconds, _MOST_SECONDS)

    def answered(self, response: device_service_pb2.GetUploadResponse) -> None:
        """Pass on what the server says."""
        self.told(response)

    def failed(self, error: grpc.RpcError) -> None:
        """Ask no more if the key may not look; of all else the stream itself will tell."""
        code = error.code() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else None
        if code is grpc.StatusCode.PERMISSION_DENIED:
            self._is_refused = True
            self.told(None)
