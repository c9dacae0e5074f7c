"""Work for stores, and a way to hold their writer back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook_server.domain.devices import DeviceRow
from rollbook_server.domain.profiles import Profile

if TYPE_CHECKING:
    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.roll_store import RollStore

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def add(roll: Roll, name: str, text: str = "") -> bool:
    return roll.profiles.add(Profile(f"prf-{name}", name, NOW, NOW, description=text))


def rows_of(first: int, how_many: int) -> list[DeviceRow]:
    return [
        DeviceRow(n, n + 1, f"{n:014}", "", f"S{n}", "HTC", "htc", {"site": "x"}, [])
        for n in range(first, first + how_many)
    ]


class Held:
    """Work that holds the writer back until it is let go, so that what waits is one group."""

    def __init__(self, store: RollStore, *, is_bulk: bool = False) -> None:
        self._begun, self._released = threading.Event(), threading.Event()
        self._future = store.submit(self._wait, is_bulk=is_bulk)
        self._begun.wait()

    def _wait(self, _: Roll) -> None:
        self._begun.set()
        self._released.wait()

    def release(self) -> None:
        self._released.set()
        self._future.result()
