"""Which devices an upload put on the roll, and what becomes of them when it is taken back."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from databases import DATABASES
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain import leftovers, uploads
from rollbook_server.domain.upload_limits import UploadLimits
from rollbook_server.domain.upload_options import UploadOptions
from rollbook_server.domain.upload_sessions import UploadSession
from rollbook_server.storage.opening import open_store
from storage.works import NOW, add, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.roll_store import RollStore

pytestmark = pytest.mark.both_engines

RUNS = "SELECT u.upload_id, first_id, last_id FROM upload_ranges JOIN uploads u ON u.id = upload"
NUMBERS = "SELECT id FROM devices ORDER BY id"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RollStore]:
    """Give a store with one profile."""
    url = DATABASES.url(tmp_path)
    with closing(open_store(url, tmp_path / DATABASE_NAME, lambda text: text.encode())) as store:
        store.write(lambda roll: add(roll, "a"))
        yield store


def put(store: RollStore, upload_id: str, first: int, how_many: int) -> None:
    """Put a batch of an upload on the roll; its numbers are those of the rows."""

    def work(roll: Roll) -> None:
        upload = uploads.open_upload(roll, UploadOptions(upload_id, "prf-a"), NOW)
        rows = rows_of(first, how_many)
        roll.devices.insert(upload, roll.devices.pack(rows), NOW)

    store.write(work)


def takes(store: RollStore, upload_id: str, number: int) -> None:
    """Let an upload change a device that another one put on the roll."""
    name = f"dev-{number}"
    store.write(
        lambda roll: roll.devices.change(
            [roll.devices.find([name])[name]._replace(upload_id=upload_id)]
        )
    )


def discard(store: RollStore, upload_id: str) -> None:
    store.write(lambda roll: roll.uploads.discard(upload_id, NOW))


def seen(store: RollStore) -> list[str]:
    """Give the devices of the roll among the first nine."""
    names = [f"dev-{number}" for number in range(1, 10)]
    return sorted(store.read(lambda roll: [*roll.devices.find(names)]))


def test_batches_that_follow_each_other_are_one_run(store: RollStore, tmp_path: Path) -> None:
    for upload_id, first, how_many in (("a", 1, 3), ("a", 4, 2), ("b", 6, 1), ("a", 7, 2)):
        put(store, upload_id, first, how_many)
    assert sorted(DATABASES.query(tmp_path, RUNS)) == [("a", 1, 5), ("a", 7, 8), ("b", 6, 6)]


def test_with_an_upload_go_its_own_devices_and_none_that_it_only_changed(
    store: RollStore, tmp_path: Path
) -> None:
    for upload_id, first, how_many in (("b", 1, 1), ("a", 2, 2), ("b", 4, 2), ("a", 6, 1)):
        put(store, upload_id, first, how_many)
    takes(store, "a", 1)
    takes(store, "a", 5)
    discard(store, "a")
    assert seen(store) == ["dev-1", "dev-4", "dev-5"]
    leftovers.sweep(store)
    assert DATABASES.query(tmp_path, NUMBERS) == [(1,), (4,), (5,)]
    assert DATABASES.query(tmp_path, RUNS) == [("b", 1, 1), ("b", 4, 5)]


def test_an_upload_begins_by_removing_what_lies_in_its_way_but_not_all(
    store: RollStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "PIECE", 2)
    monkeypatch.setattr(leftovers, "BEFOREHAND", 3)
    put(store, "a", 1, 9)
    discard(store, "a")
    UploadSession(store, lambda: NOW, UploadLimits()).open(UploadOptions("b", "prf-a"))
    assert DATABASES.query(tmp_path, NUMBERS) == [(7,), (8,), (9,)]
    assert DATABASES.query(tmp_path, RUNS) == [("a", 7, 9)]
