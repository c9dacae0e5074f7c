"""Uploads and devices that switch on while a server is told to stop."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Self

from rollbook import AdminClient, DeviceRow, EnrollmentAgent, EnrollOutcome, RollbookError
from uploads.wire import imei, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from rollbook import Upload

ROWS, HALF = 400, 200
FILE_ROWS = 20_000
PATIENCE_SECONDS = 60


class Uploads:
    """Uploads under way: some that wait in their middle until `go_on`, and one that does not.

    The IMEIs of each begin at a number of its own.
    """

    def __init__(self, address: str, api_key: str, profile_id: str, folder: Path) -> None:
        self._admin = AdminClient(address, api_key=api_key)
        self._profile_id, self._folder = profile_id, folder
        self._on = threading.Event()
        self._pool = ThreadPoolExecutor(4)
        self._done: list[Future[Upload]] = []

    def __enter__(self) -> Self:
        for number in range(3):
            self._done.append(self._pool.submit(self._rows, number))
        until(lambda: all(self._half_way(number) for number in range(3)))
        self._done.append(self._pool.submit(self._file))
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self._pool.shutdown()
        self._admin.close()

    def go_on(self) -> None:
        """Let the rest of the rows come."""
        self._on.set()

    def results(self) -> list[Upload]:
        """Wait until all have come to their end, and give them."""
        return [each.result() for each in self._done]

    def _rows(self, number: int) -> Upload:
        def rows() -> Iterator[DeviceRow]:
            for place in range(ROWS):
                if place == HALF:
                    self._on.wait()
                yield DeviceRow(imei(number * ROWS + place))

        return self._admin.upload_rows(self._profile_id, rows, upload_id=f"rows-{number}")

    def _half_way(self, number: int) -> bool:
        try:
            return self._admin.get_upload(f"rows-{number}").state.value == "OPEN"
        except RollbookError as error:
            if error.reason != "UPLOAD_NOT_FOUND":
                raise
            return False

    def _file(self) -> Upload:
        path = self._folder / "devices.csv"
        lines = (f"{imei(1_000_000 + place)}\n" for place in range(FILE_ROWS))
        path.write_text("IMEI\n" + "".join(lines))
        return self._admin.upload_devices(self._profile_id, path, upload_id="file")


class Devices:
    """Devices of the roll that switch on one after another, in several threads.

    They end with their server, and not because it is slow.
    """

    THREADS = 4

    def __init__(self, address: str, first: int) -> None:
        self._address, self._numbers = address, count(first)
        self._lock, self._ends = threading.Lock(), threading.Event()
        self.told: dict[str, str] = {}
        self._threads = [threading.Thread(target=self._run) for _ in range(self.THREADS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let no more devices switch on."""
        self._ends.set()
        self.wait()

    def wait(self) -> None:
        """Wait until no answer is to be had any more."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with EnrollmentAgent(self._address, timeout_seconds=PATIENCE_SECONDS) as agent:
            while not self._ends.is_set():
                with self._lock:
                    device = imei(next(self._numbers))
                try:
                    answer = agent.enroll_device(imeis=[device])
                except RollbookError:
                    return  # not acknowledged: it may be registered or not
                if answer.outcome is not EnrollOutcome.REGISTERED:
                    return  # the roll is at its end
                with self._lock:
                    self.told[device] = answer.device_id
