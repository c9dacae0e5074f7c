"""Two batches are under way at once: if the first fails, the second must not go in alone."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.domain import uploads
from rollbook_server.domain.batches_under_way import FIRST_ROWS, GROWTH, UNDER_WAY
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.profiles import Profile
from rollbook_server.domain.upload_limits import UploadLimits
from rollbook_server.domain.upload_options import OnConflict, OnInvalidRow, UploadOptions
from rollbook_server.domain.upload_sessions import UploadSession
from rollbook_server.domain.uploads import UploadState
from rollbook_server.storage.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from rollbook_server.domain.ports import Roll

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROWS = 3_000
FILE = "Serial Number,Manufacturer,Note\n" + "".join(f"S{n},HTC,{'x' * 80}\n" for n in range(ROWS))
DATA = FILE.encode()


class FullOnce:
    """A store whose disk is full for one batch, and has room again for the next."""

    def __init__(self, store: SqliteStore, failing: int) -> None:
        self._store, self._failing = store, failing
        self.submitted = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def submit(self, work: Callable[[Roll], Any], *, is_bulk: bool = False) -> Future[Any]:
        self.submitted += 1
        fails = self.submitted == self._failing
        return self._store.submit(_full if fails else work, is_bulk=is_bulk)


def _full(_: Roll) -> None:
    raise RollbookError(Reason.STORE_FULL, "full")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "roll.db", lambda text: text.encode())) as store:
        store.write(lambda roll: roll.profiles.add(Profile("prf-a", "a", NOW, NOW)))
        yield store


def session(store: Any) -> UploadSession:
    return UploadSession(store, lambda: NOW, UploadLimits(batch_rows=400, shared_batch_rows=400))


@pytest.mark.parametrize("failing", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        UploadOptions("u", "prf-a"),
        UploadOptions("u", "prf-a", on_invalid_row=OnInvalidRow.FAIL),
        UploadOptions("u", "prf-a", on_conflict=OnConflict.UPDATE),
    ],
    ids=["skip", "fail", "update"],
)
def test_a_batch_behind_one_that_failed_fails_too_and_a_resume_brings_every_row_once(
    store: SqliteStore, options: UploadOptions, failing: int
) -> None:
    full = FullOnce(store, failing)
    broken = session(full)
    broken.open(options)
    with pytest.raises(RollbookError) as refused:
        broken.take_csv(0, DATA)
    assert refused.value.reason is Reason.STORE_FULL
    assert full.submitted == failing + UNDER_WAY - 1  # the one behind was under way

    stood = store.read(lambda roll: uploads.get(roll, "u"))
    assert FILE[: stood.progress.offset].count("\n") - 1 in {stood.progress.rows, -1}
    resumed = session(store)
    position = resumed.open(options).progress.offset
    resumed.take_csv(position, DATA[position:])
    done = resumed.finish(total_bytes=len(DATA), total_rows=None, crc32=None)
    assert done.state is UploadState.FINISHED
    assert (done.counts.created, done.counts.total) == (ROWS, ROWS)
    serials = store.read(_serials)
    assert len(serials) == len(set(serials)) == ROWS


class Unhurried:
    """A store that puts a batch in once somebody waits for it; notes how many were under way."""

    def __init__(self, store: SqliteStore, *, is_slower: bool) -> None:
        self._store, self.is_slower_than_reading = store, is_slower
        self.batch_rows, self.under_way = 2_000, 0
        self.batches, self.while_read = list[int](), set[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def packing(self) -> Any:
        packing = self._store.packing()
        add, take = packing.add, packing.take

        def added(rows: Any) -> None:
            self.while_read.add(self.under_way)
            add(rows)

        def taken(columns: Any = ()) -> Any:
            packed = take(columns)
            self.batches.append(len(packed.rows))
            return packed

        return SimpleNamespace(add=added, take=taken)

    def submit(self, work: Callable[[Roll], Any], *, is_bulk: bool = False) -> Any:
        self.under_way += 1

        def result() -> Any:
            done = self._store.submit(work, is_bulk=is_bulk).result()
            self.under_way -= 1
            return done

        return SimpleNamespace(result=result)


@pytest.mark.parametrize(("is_slower", "while_read"), [(False, {0, 1, 2}), (True, {0, 1})])
def test_no_third_batch_is_read_for_a_store_that_takes_longer_than_reading(
    store: SqliteStore, *, is_slower: bool, while_read: set[int]
) -> None:
    unhurried = Unhurried(store, is_slower=is_slower)
    upload = UploadSession(unhurried, lambda: NOW, UploadLimits())
    upload.open(UploadOptions("u", "prf-a"))
    text = f"Serial Number,Manufacturer\n{''.join(f'S{n},HTC{chr(10)}' for n in range(9_000))}"
    upload.take_csv(0, text.encode())
    upload.finish(total_bytes=len(text), total_rows=None, crc32=None)
    assert unhurried.while_read == while_read
    assert len(store.read(_serials)) == 9_000


def test_batches_grow_so_that_each_is_read_while_the_one_before_goes_in(
    store: SqliteStore,
) -> None:
    unhurried = Unhurried(store, is_slower=True)
    unhurried.batch_rows = 20_000
    upload = UploadSession(unhurried, lambda: NOW, UploadLimits())
    upload.open(UploadOptions("u", "prf-a"))
    text = f"Serial Number,Manufacturer\n{''.join(f'S{n},HTC{chr(10)}' for n in range(30_000))}"
    upload.take_csv(0, text.encode())
    first, second, third = unhurried.batches
    assert FIRST_ROWS <= first < 2 * FIRST_ROWS
    assert GROWTH * first <= second < GROWTH * first + 2 * FIRST_ROWS
    assert GROWTH * second <= third < GROWTH * second + 2 * FIRST_ROWS


def _serials(roll: Roll) -> list[str]:
    found = roll.profiles._database.execute_sql("SELECT serial_number FROM devices")  # type: ignore[attr-defined]
    return [serial for (serial,) in found]
