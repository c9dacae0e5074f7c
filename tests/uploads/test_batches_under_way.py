"""Two batches are under way at once: if the first fails, the second must not go in alone."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.domain import uploads
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.profiles import Profile
from rollbook_server.domain.upload_sessions import UNDER_WAY, UploadLimits, UploadSession
from rollbook_server.domain.uploads import OnConflict, OnInvalidRow, UploadOptions, UploadState
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


def _serials(roll: Roll) -> list[str]:
    found = roll.profiles._database.execute_sql("SELECT serial_number FROM devices")  # type: ignore[attr-defined]
    return [serial for (serial,) in found]
