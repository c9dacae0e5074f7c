"""Where the devices of profiles lie: every list of a profile is read along these runs."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from databases import DATABASES
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain.device_lists import DeviceQuery
from rollbook_server.domain.inventory import Beginning
from rollbook_server.domain.upload_options import UploadOptions
from rollbook_server.domain.uploads import Upload
from rollbook_server.storage import profile_ranges
from rollbook_server.storage.opening import open_store
from storage.works import NOW, add, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.inventory import InventoryPiece
    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.roll_store import RollStore

pytestmark = pytest.mark.both_engines

RUNS = "SELECT profile, first_id, last_id FROM profile_ranges ORDER BY profile, first_id"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RollStore]:
    """Give a store with two profiles, whose keys are 1 and 2."""
    url = DATABASES.url(tmp_path)
    with closing(open_store(url, tmp_path / DATABASE_NAME, lambda text: text.encode())) as store:
        store.write(lambda roll: (add(roll, "a"), add(roll, "b")))
        yield store


def put(store: RollStore, profile: str, first: int, how_many: int) -> None:
    """Put new devices into a profile; their numbers are those of the rows if all are put so."""
    origin = Upload(UploadOptions("", f"prf-{profile}"), NOW, NOW)
    rows = rows_of(first, how_many)
    store.write(lambda roll: roll.devices.insert(origin, roll.devices.pack(rows), NOW))


def move(store: RollStore, profile: str, *numbers: int) -> None:
    names = [f"dev-{number}" for number in numbers]

    def change(devices: list[Device]) -> list[Device]:
        return [device._replace(profile_id=f"prf-{profile}") for device in devices]

    store.write(lambda roll: roll.devices.change(change([*roll.devices.find(names).values()])))


def listed(store: RollStore, profile: str, after: int = 0, limit: int = 99) -> list[int]:
    query = DeviceQuery(profile_id=f"prf-{profile}")
    found = store.read(
        lambda roll: list(roll.devices.list(query, after=f"dev-{after}", limit=limit))
    )
    return [int(device.device_id.removeprefix("dev-")) for device in found]


def inventoried(store: RollStore, profile: str) -> list[int]:
    found, last = list[int](), 0
    while piece := store.read(partial(_piece, profile, last)):
        found += [int(each.removeprefix("dev-")) for each in piece.device_ids]
        last = piece.last
    return found


def _piece(profile: str, after: int, roll: Roll) -> InventoryPiece | None:
    begun = Beginning((), 99, ())
    return roll.inventory.piece(f"prf-{profile}", begun, after=after, width=10)


def test_batches_that_follow_each_other_are_one_run(store: RollStore, tmp_path: Path) -> None:
    for profile, first, how_many in (("a", 1, 3), ("a", 4, 2), ("b", 6, 1), ("a", 7, 2)):
        put(store, profile, first, how_many)
    assert DATABASES.query(tmp_path, RUNS) == [(1, 1, 5), (1, 7, 8), (2, 6, 6)]


def test_devices_that_moved_lie_in_a_run_of_their_new_profile(
    store: RollStore, tmp_path: Path
) -> None:
    put(store, "a", 1, 6)
    move(store, "b", 2, 3, 6)
    assert DATABASES.query(tmp_path, RUNS) == [(1, 1, 6), (2, 2, 3), (2, 6, 6)]
    move(store, "b", 2)
    move(store, "a", 3)
    put(store, "b", 7, 1)
    assert DATABASES.query(tmp_path, RUNS) == [(1, 1, 6), (2, 2, 3), (2, 6, 7)]


@pytest.mark.parametrize("near", [1_000, 0])
@pytest.mark.parametrize("at_once", [1_000, 1])
def test_lists_and_inventories_go_along_all_runs_in_order(
    store: RollStore, monkeypatch: pytest.MonkeyPatch, near: int, at_once: int
) -> None:
    monkeypatch.setattr(profile_ranges, "_NEAR", near)
    behind = profile_ranges._BEHIND.replace("LIMIT 1000", f"LIMIT {at_once}")
    monkeypatch.setattr(profile_ranges, "_BEHIND", behind)
    for profile, first, how_many in (("a", 1, 3), ("b", 4, 2), ("a", 6, 1), ("b", 7, 3)):
        put(store, profile, first, how_many)
    move(store, "a", 4, 8)
    move(store, "b", 2)
    assert listed(store, "a") == inventoried(store, "a") == [1, 3, 4, 6, 8]
    assert listed(store, "b") == inventoried(store, "b") == [2, 5, 7, 9]
    assert (listed(store, "a", after=3, limit=2), listed(store, "a", after=8)) == ([4, 6], [])


def test_what_is_swept_up_of_a_profile_leaves_those_that_moved(
    store: RollStore, tmp_path: Path
) -> None:
    put(store, "a", 1, 5)
    move(store, "b", 2)
    store.write(lambda roll: roll.leftovers.end_profile("prf-a"))
    while store.write(lambda roll: roll.leftovers.sweep(2)):
        pass
    assert DATABASES.query(tmp_path, "SELECT id FROM devices") == [(2,)]
    assert DATABASES.query(tmp_path, RUNS) == [(2, 2, 2)]
