"""A store that is closed while others still read it, as when a server stops in an export."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

from rollbook_server.storage.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook_server.domain.ports import Roll


def test_a_read_under_way_outlives_the_closing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "roll.db")
    begun, closed = Event(), Event()

    def work(roll: Roll) -> int:
        begun.set()
        assert closed.wait(10)
        return roll.inventory.end()

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.read, work)
        assert begun.wait(10)
        store.close()
        closed.set()
        assert reading.result() == 1
