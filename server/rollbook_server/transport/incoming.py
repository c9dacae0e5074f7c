"""The messages of a call, read so that nobody who sends none keeps its thread."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.transport.idle_limit import wake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

    from rollbook_server.transport.idle_limit import IdleLimit

_RETRY_SECONDS = 1


class Unread(NamedTuple):
    """Stands for a message whose bytes could not be read, or were refused before it."""

    error: RollbookError


class RequestIdleError(RollbookError):
    """The caller sent nothing for too long; what came before is whole."""

    def __init__(self) -> None:
        super().__init__(
            Reason.REQUEST_IDLE,
            "The server waited for a message of this call, none came, and others wait for its "
            "place. Call again, or resume the upload, and send without a break.",
        )
        self.retry_after(_RETRY_SECONDS)


class Incoming:
    """Iterates over the messages of one call, in the thread that serves it; close it.

    Raises RollbookError with REQUEST_IDLE, REQUEST_MALFORMED for bytes that are no message,
    or what their reading raised; grpc.RpcError if the client is gone.
    """

    def __init__(
        self, requests: Iterator[Any], context: grpc.ServicerContext, limit: IdleLimit
    ) -> None:
        self._requests, self._limit, self._is_heard = requests, limit, False
        self._call = limit.enter(partial(wake, context), is_silent=True)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        """Wait for the next message."""
        message = self._await()
        if not self._is_heard:
            self._is_heard = True
            self._limit.heard(self._call)
        if isinstance(message, Unread):
            raise message.error
        return message

    def only(self) -> Any:
        """Give the one message of a call that takes no more."""
        for message in self:
            return message
        raise _malformed("The call ended without the message that this method takes.")

    def close(self) -> None:
        """Wait for nothing more."""
        self._limit.leave(self._call)

    def _await(self) -> Any:
        self._call.touch()
        self._require_place()
        message = next(self._requests)
        self._call.pause()
        self._require_place()
        return message

    def _require_place(self) -> None:
        if self._call.is_ended:
            raise RequestIdleError


def lenient(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """Read bytes, or give Unread; gRPC itself would answer INTERNAL."""
    if deserialize is None:
        return None

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except RollbookError as error:
            return Unread(error)
        except Exception:  # noqa: BLE001 - whatever the parser dislikes, the caller sent it
            return Unread(
                _malformed("The bytes of the request are not the message that this method takes.")
            )

    return read


def _malformed(message: str) -> RollbookError:
    return RollbookError(Reason.REQUEST_MALFORMED, message)
