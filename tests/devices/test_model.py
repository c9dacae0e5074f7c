"""Creating, changing and deleting, held against a dictionary that keeps the rules naively."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.calls import imei
from rollbook import DeviceRow, DeviceUpdate, RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rollbook import AdminClient

D = TypeVar("D")

IMEIS = st.sampled_from(["", *map(imei, range(4))])
ROWS = st.builds(
    DeviceRow,
    imei=IMEIS,
    imei2=IMEIS,
    serial_number=st.sampled_from(["", "S1", "S2"]),
    manufacturer=st.sampled_from(["", "Acme", "ACME", "Sony"]),
    attributes=st.sampled_from([{}, {"a": "b"}]),
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "imei": IMEIS,
        "imei2": IMEIS,
        "serial_number": st.sampled_from(["", "S1", "S2"]),
        "manufacturer": st.sampled_from(["", "Acme", "Sony"]),
        "attributes": st.sampled_from([{}, {"c": "d"}]),
    },
)
STEPS = st.one_of(
    st.tuples(st.just("create"), st.integers(0, 1), st.lists(ROWS, min_size=1, max_size=4)),
    st.tuples(
        st.just("update"),
        st.just(0),
        st.lists(st.tuples(st.integers(0, 5), PARTS), min_size=1, max_size=4),
    ),
    st.tuples(st.just("delete"), st.just(0), st.lists(st.integers(0, 5), min_size=1, max_size=3)),
)


def settled(row: DeviceRow) -> DeviceRow:
    """Give the row as it is kept: a lone second IMEI is the first."""
    return row if row.imei else replace(row, imei=row.imei2, imei2="")


def is_adequate(row: DeviceRow) -> bool:
    if row.imei and row.imei == row.imei2:
        return False
    return bool(row.imei or row.imei2 or (row.serial_number and row.manufacturer))


def keys(row: DeviceRow) -> set[str]:
    pair = f"{row.serial_number}/{row.manufacturer.casefold()}"
    full = {pair} if row.serial_number and row.manufacturer else set()
    return {row.imei, row.imei2, *full} - {""}


def disjoint(rows: Iterable[DeviceRow]) -> bool:
    found = [key for row in rows for key in keys(row)]
    return len(found) == len(set(found))


@dataclass
class Model:
    """The roll: rows by device id, and the profile of each."""

    admin: AdminClient
    profiles: list[str]
    rows: dict[str, DeviceRow] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)

    def create(self, place: int, rows: list[DeviceRow]) -> None:
        kept = [settled(row) for row in rows]
        good = all(map(is_adequate, rows)) and disjoint([*self.rows.values(), *kept])
        made = self._try(good, lambda: self.admin.create_devices(self.profiles[place], rows))
        for device, row in zip(made, kept, strict=good):
            self.rows[device.device_id] = row
            self.homes[device.device_id] = self.profiles[place]

    def update(self, _: int, changes: list[tuple[int, dict[str, Any]]]) -> None:
        ids = self._ids(place for place, _ in changes)
        pairs = [(ids[place], parts) for place, parts in changes if place in ids]
        if not pairs:
            return
        before = {device.device_id: device for device in self.admin.list_devices()}
        merged = {name: replace(self.rows[name], **parts) for name, parts in pairs}
        after = self.rows | {name: settled(row) for name, row in merged.items()}
        distinct = len({name for name, _ in pairs}) == len(pairs)
        good = distinct and all(map(is_adequate, merged.values())) and disjoint(after.values())
        updates = [DeviceUpdate(name, **parts) for name, parts in pairs]
        changed = self._try(good, lambda: self.admin.update_devices(updates))
        for device in changed:
            same = after[device.device_id] == self.rows[device.device_id]
            assert (device == before[device.device_id]) == same
        if good:
            self.rows = after

    def delete(self, _: int, places: list[int]) -> None:
        ids = self._ids(places)
        names = [ids[place] for place in places if place in ids]
        if not names:
            return
        good = len(set(names)) == len(names)
        self._try(good, lambda: [self.admin.delete_devices(names)])
        for name in names if good else ():
            del self.rows[name]

    def _ids(self, places: Iterable[int]) -> dict[int, str]:
        known = list(self.rows)
        return {place: known[place] for place in places if place < len(known)}

    def _try(self, good: bool, call: Callable[[], list[D]]) -> list[D]:
        if good:
            return call()
        with pytest.raises(RollbookError) as caught:
            call()
        assert caught.value.reason in ("DEVICES_INVALID", "FIELD_INVALID")
        return []

    def check(self) -> None:
        found = {device.device_id: device for device in self.admin.list_devices()}
        assert list(found) == list(self.rows)
        for name, row in self.rows.items():
            device = found[name]
            kept = (device.imei, device.imei2, device.serial_number, device.manufacturer)
            assert kept == (row.imei, row.imei2, row.serial_number, row.manufacturer)
            assert (device.attributes, device.profile_id) == (row.attributes, self.homes[name])
        for profile_id in self.profiles:
            profile = self.admin.get_profile(profile_id)
            mine = [name for name in self.rows if self.homes[name] == profile_id]
            assert (profile.pending_count, profile.device_count) == (len(mine), len(mine))

    def clear(self) -> None:
        if self.rows:
            self.admin.delete_devices(list(self.rows))
            self.rows.clear()


def test_the_roll_is_as_a_dictionary_would_keep_it(admin: AdminClient) -> None:
    profiles = [admin.create_profile(name).profile_id for name in ("One", "Two")]

    @settings(max_examples=60)
    @given(st.lists(STEPS, max_size=8))
    def hold(steps: list[tuple[str, int, Any]]) -> None:
        model = Model(admin, profiles)
        for name, place, what in steps:
            getattr(model, name)(place, what)
            model.check()
        model.clear()

    hold()
