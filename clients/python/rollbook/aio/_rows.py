"""Rows that come out of asynchronous iterators, for the thread that reads the source."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from rollbook._sources import Anew, row_opener
from rollbook.resources import DeviceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from rollbook._sources import RowReader

    Rows = Callable[[], Iterable[DeviceRow] | AsyncIterable[DeviceRow]] | Sequence[DeviceRow]

# A thread waits for the event loop as long as it takes to make a hundred rows.
_ROWS_AT_A_TIME = 1_000
# What comes slowly is handed over as it comes: half of what a message is gathered for.
_GATHER_SECONDS = 0.5


class RowSource:
    """Rows to upload, of which a function may give an asynchronous iterator.

    It is made and closed in the event loop; what it gives to read is read in a thread.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._loop = asyncio.get_running_loop()
        self._last: AsyncRows | None = None

    def opener(self) -> Callable[[], RowReader]:
        """Give what begins a pass over the rows; TypeError if they can be read only once."""
        if not callable(self._rows):
            return row_opener(self._rows)
        anew = Anew(self._rows)
        return row_opener(lambda: self._begin(anew))

    def _begin(
        self, anew: Anew[Iterable[DeviceRow] | AsyncIterable[DeviceRow]]
    ) -> Iterable[DeviceRow]:
        if self._last is not None:
            asyncio.run_coroutine_threadsafe(self._last.aclose(), self._loop).result()
        rows = anew()
        if not isinstance(rows, AsyncIterable):
            return rows
        self._last = AsyncRows(rows, self._loop)
        return self._last

    async def aclose(self) -> None:
        """Close the iterator that was begun last, also while it is waited for."""
        if self._last is not None:
            await self._last.aclose()


class AsyncRows(Iterator[DeviceRow]):
    """One pass over rows that an event loop makes, iterated in a thread."""

    def __init__(self, rows: AsyncIterable[DeviceRow], loop: asyncio.AbstractEventLoop) -> None:
        self._rows, self._loop = aiter(rows), loop
        self._gathered = deque[DeviceRow]()
        self._gathering: asyncio.Task[Any] | None = None
        self._closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DeviceRow:
        if not self._gathered:
            self._gathered.extend(self._in_loop(self._gather()))
        if not self._gathered:
            raise StopIteration
        return self._gathered.popleft()

    def _in_loop(self, rows: Coroutine[Any, Any, list[DeviceRow]]) -> list[DeviceRow]:
        return asyncio.run_coroutine_threadsafe(rows, self._loop).result()

    async def _gather(self) -> list[DeviceRow]:
        """Give rows that come soon, at least one; none at the end."""
        if self._closed:
            raise asyncio.CancelledError  # nobody may take it for the end
        self._gathering = asyncio.current_task()
        rows, begun = list[DeviceRow](), time.monotonic()
        async for row in self._rows:
            rows.append(row)
            is_late = time.monotonic() - begun >= _GATHER_SECONDS
            if is_late or len(rows) == _ROWS_AT_A_TIME:
                break
        return rows

    async def aclose(self) -> None:
        """Close the iterator, also while it is waited for; the thread then gets no more."""
        self._closed = True
        if self._gathering is not None:
            self._gathering.cancel()
            await asyncio.wait([self._gathering])
        close = getattr(self._rows, "aclose", None)
        if close is not None:
            await close()
