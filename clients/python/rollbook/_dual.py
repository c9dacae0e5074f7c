"""Methods written once, for the client that blocks and for the one of asyncio.

A method is written as a coroutine. The client of asyncio has it as it is; what the client
that blocks awaits has always happened already, so one step takes it to its end. The
classes of both hold plain functions, which `help`, debuggers and mocks know.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from rollbook._blocking import BlockingClient
    from rollbook.aio._client import AsyncioClient

_P = ParamSpec("_P")
_T = TypeVar("_T")
_BlockingT = TypeVar("_BlockingT")
_AsyncioT = TypeVar("_AsyncioT")
_Method = Callable[Concatenate[Any, _P], _T]


class Dual(Generic[_P, _BlockingT, _AsyncioT]):
    """What stands for a method until a class says of which kind it is; see `settle`."""

    def __init__(self, asyncio: _Method[_P, Any], blocking: _Method[_P, _BlockingT]) -> None:
        self.asyncio, self.blocking = asyncio, blocking

    @overload
    def __get__(self, client: None, kind: type[BlockingClient]) -> _Method[_P, _BlockingT]: ...
    @overload
    def __get__(self, client: None, kind: type[AsyncioClient]) -> _Method[_P, _AsyncioT]: ...
    @overload
    def __get__(self, client: BlockingClient, kind: object) -> Callable[_P, _BlockingT]: ...
    @overload
    def __get__(self, client: AsyncioClient, kind: object) -> Callable[_P, _AsyncioT]: ...
    def __get__(self, client: object, kind: object) -> object:
        """Tell type checkers what the classes of both kinds have in this place."""
        return self


def method(
    body: _Method[_P, Coroutine[Any, Any, _T]],
) -> Dual[_P, _T, Coroutine[Any, Any, _T]]:
    """Decorate a coroutine function: a call gives one answer."""

    @functools.wraps(body)
    def call(client: object, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        answer: _T = finished(body(client, *args, **kwargs))
        return answer

    return Dual(body, call)


def iterator(
    body: _Method[_P, AsyncIterator[_T]],
) -> Dual[_P, Generator[_T, None, None], AsyncGenerator[_T, None]]:
    """Decorate what gives an asynchronous generator: a call gives one thing after another."""

    @functools.wraps(body)
    def iterate(
        client: object, /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Generator[_T, None, None]:
        values = body(client, *args, **kwargs)
        assert isinstance(values, AsyncGenerator)
        try:
            while True:
                try:
                    value = finished(anext(values))
                except StopAsyncIteration:
                    return
                yield value
        finally:
            finished(values.aclose())

    signature = inspect.signature(body)
    annotation = str(signature.return_annotation).removeprefix("Async")
    iterate.__signature__ = signature.replace(return_annotation=annotation)  # type: ignore[attr-defined]  # read by inspect
    return Dual(body, iterate)


def finished(awaitable: Any) -> Any:
    """Give what an awaitable comes to that waits for no event loop."""
    try:
        awaitable.__await__().send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a client that blocks was made to wait for an event loop")


def settle(kind: type, *, blocking: bool) -> None:
    """Give a class plain functions in the place of what it inherits of `Dual`."""
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        if isinstance(found, Dual):
            setattr(kind, name, found.blocking if blocking else found.asyncio)
