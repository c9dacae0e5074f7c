"""A store that is closed while others still read it, as when a server stops in an export."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from databases import DATABASES
from rollbook_server.config import DATABASE_NAME
from rollbook_server.storage.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook_server.domain.ports import Roll


@pytest.mark.both_engines
def test_a_read_under_way_outlives_the_closing_and_leaves_no_connection(tmp_path: Path) -> None:
    store = open_store(DATABASES.url(tmp_path), tmp_path / DATABASE_NAME, str.encode)
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
    assert not store._readers._connections  # type: ignore[attr-defined]  # of peewee's pool
