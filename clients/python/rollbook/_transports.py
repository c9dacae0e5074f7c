"""How calls are made: what one that blocks and one of asyncio have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import grpc

    from rollbook._feed import Feed
    from rollbook._lookouts import Lookout

_T = TypeVar("_T")
_RequestT = TypeVar("_RequestT")
_ResponseT = TypeVar("_ResponseT")


class Transport(Protocol):
    """Raises what gRPC raises; `options` are a call's metadata, and perhaps its timeout."""

    @property
    def channel(self) -> grpc.Channel:
        """What stubs are made from."""

    @property
    def channel_apart(self) -> grpc.Channel:
        """What stubs are made from whose calls are not to wait behind those of others."""

    async def unary(
        self,
        method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        **options: Any,
    ) -> _ResponseT:
        """Call once."""

    def receive(
        self,
        method: grpc.UnaryStreamMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        **options: Any,
    ) -> AsyncGenerator[_ResponseT, None]:
        """Give one message after another; the call ends with the iteration."""

    async def send(
        self,
        method: grpc.StreamUnaryMultiCallable[Any, _ResponseT],
        feed: Feed,
        lookout: Lookout | None,
        **options: Any,
    ) -> _ResponseT:
        """Send all that the feed gives; raises what its source raised before all else.

        Asks what is asked meanwhile, and lets the feed tell of the progress, also while
        there is no answer.
        """

    async def run(self, function: Callable[[], _T]) -> _T:
        """Do what may take a while, such as to write a file, and hold up nobody else."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def close(self) -> None:
        """Close the channels; calls under way fail."""
