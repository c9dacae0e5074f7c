"""When the log goes into the file of the database, if work leaves no time for it."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook_server.storage import store as sqlite_store
from rollbook_server.storage import writer
from rollbook_server.storage.sqlite import log_length
from rollbook_server.storage.store import SqliteStore
from rollbook_server.storage.writer import Writer
from storage.works import add

if TYPE_CHECKING:
    from rollbook_server.domain.ports import Roll

FOR_EVER = 3_600.0  # seconds


@pytest.mark.parametrize("is_shared", [True, False])
def test_the_log_takes_turns_with_bulk_work_while_others_share_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_shared: bool
) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", FOR_EVER)
    monkeypatch.setattr(writer, "SHARED_TURNS", 3)
    monkeypatch.setattr(Writer, "is_shared", lambda _: is_shared)
    path = tmp_path / "roll.db"
    in_file = []
    with closing(SqliteStore(path)) as store:
        before = path.read_bytes()
        for number in range(3):
            store.write(partial(add, name=f"bulk {number}"), is_bulk=True)
            store.write(partial(add, name=f"small {number}"))
            store.write(lambda _: None)  # behind which the log had its turn, if it was due
            in_file.append(path.read_bytes() != before)
    assert in_file == [False, False, is_shared]


class Relay:
    """Readers who come one upon the other: each begins before the one before it ends."""

    def __init__(self, store: SqliteStore) -> None:
        self._store, self._ended = store, False
        self._begun = [threading.Event(), threading.Event()]
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(2)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        mine, others = self._begun[number], self._begun[1 - number]
        while not self._ended:
            self._store.read(partial(self._read, mine, others))

    def _read(self, mine: threading.Event, others: threading.Event, roll: Roll) -> None:
        roll.profiles.get("prf-0")
        mine.set()
        while not (others.wait(0.01) or self._ended):
            pass
        others.clear()

    def end(self) -> None:
        self._ended = True
        for thread in self._threads:
            thread.join()


def test_the_log_does_not_grow_for_ever_where_there_is_always_somebody_who_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_length, "LONGEST_BYTES", 1 << 20)
    monkeypatch.setattr(log_length, "WAIT_MILLISECONDS", 30_000)
    monkeypatch.setattr(log_length, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setitem(sqlite_store._PRAGMAS, "journal_size_limit", 1 << 19)
    longest, path = 0, tmp_path / "roll.db"
    with closing(SqliteStore(path)) as store:
        relay = Relay(store)
        try:
            for number in range(64):
                store.write(partial(add, name=str(number), text="x" * 100_000))
                longest = max(longest, Path(f"{path}-wal").stat().st_size)
        finally:
            relay.end()
        found = store.read(lambda roll: [roll.profiles.get(f"prf-{n}") for n in range(64)])
    assert all(found)
    assert longest < 2 << 20


def test_who_reads_for_long_keeps_nobody_from_writing_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor from reading what was written since, however long the log becomes."""
    monkeypatch.setattr(log_length, "LONGEST_BYTES", 0)
    monkeypatch.setattr(log_length, "WAIT_MILLISECONDS", 1)

    def read_on(roll: Roll) -> None:
        assert roll.profiles.get("prf-b") is None
        assert store.write(partial(add, name="b"))
        assert roll.profiles.get("prf-b") is None

    with closing(SqliteStore(tmp_path / "roll.db")) as store:
        store.write(partial(add, name="a"))
        store.read(read_on)
        assert store.read(lambda roll: roll.profiles.get("prf-b")) is not None
        assert store.write(partial(add, name="c"))
