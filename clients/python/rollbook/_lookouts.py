"""What is asked every so often while a stream goes on: how much of it is durable.

The answer of a stream comes at its end, and what gRPC took of it may lie in buffers for
minutes. So the server is asked beside it, and on a connection of its own: on that of the
stream a question would wait behind all of these bytes.
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

# The two connections share a network, of which the stream takes all that it can have.
TIMEOUT_SECONDS = 60.0

# So often is told, without news as well, that the stream goes on.
TELL_SECONDS = 1.0


@dataclass(eq=False)
class Lookout:
    """A question, of which one at most is under way; `told` gets None if it is refused.

    Then `may_ask` is False, and there is only to tell.
    """

    method: grpc.UnaryUnaryMultiCallable[
        device_service_pb2.GetUploadRequest, device_service_pb2.GetUploadResponse
    ]
    request: device_service_pb2.GetUploadRequest
    told: Callable[[device_service_pb2.GetUploadResponse | None], None]
    may_ask: bool = True

    def waits(self) -> Iterator[float]:
        """Give the seconds before each question, without an end."""
        seconds = _FIRST_SECONDS
        while True:
            yield seconds
            seconds = min(2 * seconds, _MOST_SECONDS)

    def answered(self, response: device_service_pb2.GetUploadResponse) -> None:
        """Pass on what the server says."""
        self.told(response)

    def failed(self, error: grpc.RpcError) -> None:
        """Ask no more if the key may not look; of all else the stream itself will tell."""
        code = error.code() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else None
        if code is grpc.StatusCode.PERMISSION_DENIED:
            self.may_ask = False
            self.told(None)
