"""The messages of one stream of an upload, made in whatever thread asks for the next."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from rollbook.v1 import device_service_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook._sources import Reader

    _Message = device_service_pb2.UploadDevicesRequest


@dataclass(eq=False)
class Feed:
    """Gives messages one at a time, and keeps what their making raises.

    An exception ends the stream without `finish`, so the upload stays OPEN. A source
    that is being read when the stream is over is let go by the thread that reads it, for
    to close a pipe is to wait for what comes next.
    """

    opening: device_service_pb2.UploadOpen
    open_reader: Callable[[], Reader]
    skip: Callable[[Reader], None]
    progress: Callable[[Reader], None]
    reader: Reader | None = None
    _lock: Lock = field(default_factory=Lock)
    _messages: Iterator[_Message] = field(default_factory=lambda: iter(()))
    _taken: int = 0
    _stopped: bool = False
    _failure: BaseException | None = None

    def begin(self) -> None:
        """Open the source and pass over what the server holds; raises what that raises."""
        with self._used():
            self.reader = self.open_reader()
            self.skip(self.reader)
            self._messages = self._made(self.reader)

    def _made(self, reader: Reader) -> Iterator[_Message]:
        yield device_service_pb2.UploadDevicesRequest(open=self.opening)
        yield from reader.messages()

    def take(self) -> _Message | None:
        """Give the next message; None at the end, be it a good one or not."""
        message = None
        with self._used(), self._kept():
            if self._goes_on():
                message = next(self._messages, None)
                self._taken += 1
        return message

    def tell(self, *, waits: bool = True) -> bool:
        """Tell of the progress, once a message of the source was taken.

        Unless it waits, it does nothing while the source is read, which may take long.
        Gives whether the stream is to go on.
        """
        with self._used(waits=waits) as is_free, self._kept():
            if is_free and self.reader is not None and self._taken > 1 and self._goes_on():
                self.progress(self.reader)
        return self._goes_on()

    def stop(self, seconds: float) -> None:
        """Let the source go, and raise what the making of a message raised.

        Waits so long, at most, for the thread that reads it.
        """
        self._stopped = True
        if self._lock.acquire(timeout=seconds):
            self._end()
            self._lock.release()
        if self._failure is not None:
            raise self._failure

    def abandon(self) -> None:
        """Let the source go as soon as nobody reads it, without waiting for that."""
        self._stopped = True
        if self._lock.acquire(blocking=False):
            self._end()
            self._lock.release()

    def _goes_on(self) -> bool:
        return not self._stopped and self._failure is None

    @contextmanager
    def _used(self, *, waits: bool = True) -> Iterator[bool]:
        """Keep others from the source, and let it go if it is not wanted any more."""
        if not self._lock.acquire(blocking=waits):
            yield False
            return
        try:
            yield True
        finally:
            if self._stopped:
                self._end()
            self._lock.release()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keep what is raised: the thread would die, the call hang."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - see above
            self._failure = error

    def _end(self) -> None:
        self._messages = iter(())
        if self.reader is not None:
            self.reader.close()
