"""Uploads side by side, with discards and changes by hand in between.

What comes of them may depend neither on where their rows were cut into batches nor on
whether leftovers are swept up at once or never.
"""

from __future__ import annotations

import re
from contextlib import closing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from databases import DATABASES
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain import device_changes, leftovers, removals, uploads
from rollbook_server.domain.device_choices import Choice
from rollbook_server.domain.device_lists import DeviceQuery
from rollbook_server.domain.errors import RollbookError
from rollbook_server.domain.luhn import check_digit
from rollbook_server.domain.matching import Presented
from rollbook_server.domain.typed_rows import TypedRow, TypedRows
from rollbook_server.domain.upload_limits import UploadLimits
from rollbook_server.domain.upload_options import OnConflict, OnInvalidRow, UploadOptions
from rollbook_server.domain.upload_sessions import UploadSession
from rollbook_server.storage import store as sqlite_store
from rollbook_server.storage.opening import open_store
from rollbook_server.storage.sqlite import log_sync
from storage.works import NOW, add
from uploads.given_rows import own, own_imei, rows_given
from uploads.model import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rollbook_server.domain.devices import Device
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.uploads import Upload
    from rollbook_server.storage.roll_store import RollStore

pytestmark = pytest.mark.both_engines

EXAMPLES = count(1)
SLOTS = st.integers(0, 1)
ROWS = st.lists(rows_given, min_size=1, max_size=4)
OPENED = st.builds(
    UploadOptions,
    upload_id=st.just(""),
    profile_id=st.sampled_from(["0", "1"]),
    on_invalid_row=st.sampled_from([OnInvalidRow.SKIP, OnInvalidRow.SKIP, OnInvalidRow.FAIL]),
    on_conflict=st.sampled_from(OnConflict),
    validate_only=st.sampled_from([False, False, False, True]),
)
STEPS = st.one_of(
    st.tuples(st.just("open"), SLOTS, OPENED),
    st.tuples(st.just("send"), SLOTS, ROWS),
    st.tuples(st.just("send_again"), SLOTS, st.none()),
    st.tuples(st.just("finish"), SLOTS, st.none()),
    st.tuples(st.just("discard"), SLOTS, st.none()),
    st.tuples(st.just("create"), SLOTS, ROWS),
    st.tuples(st.just("delete"), st.integers(0, 5), st.none()),
    st.tuples(st.just("enroll"), st.integers(1, 4), st.none()),
)

# What chance seldom puts together.
TWO, OTHER = ([Given(digit, "", "", "HTC", "a") for digit in digits] for digits in ("12", "3"))
DISCARDED_BESIDE = [("send", 0, TWO), ("send", 1, OTHER), ("discard", 1, None), ("send", 1, TWO)]
ENROLLED_AND_DISCARDED = [("send", 0, TWO), ("enroll", 1, None), ("discard", 0, None)]


class Side(NamedTuple):
    """One of two stores, with how many rows it is given at once, and whether it is swept."""

    store: RollStore
    at_once: int
    is_swept: bool


class Told(NamedTuple):
    """A device as it is told, but for its id, which may differ."""

    profile: str
    keys: tuple[str, ...]
    attributes: dict[str, str]
    state: str
    upload: str
    line: int


class World:
    """What one side made of an example."""

    def __init__(self, side: Side, example: int) -> None:
        self._store, self._at_once, self._is_swept = side
        self._example = example
        self._profiles = [f"{example}-{number}" for number in range(2)]
        self._sessions: dict[int, UploadSession] = {}
        self._sent: dict[int, int] = {}
        self._uploads: list[str] = []
        self._last: Sequence[Given] = ()
        for name in self._profiles:
            self._store.write(partial(add, name=name))

    def do(self, name: str, where: int, what: Any) -> object:
        """Take a step; gives what was told of it."""
        try:
            told = getattr(self, f"_{name}")(where, what)
        except RollbookError as error:
            self._sessions.pop(where, None)
            told = error.reason, str(error)
        if self._is_swept:
            leftovers.sweep(self._store)
        return _masked(told)

    def _open(self, slot: int, options: UploadOptions) -> object:
        upload_id = f"{self._example}-{len(self._uploads)}"
        profile = f"prf-{self._profiles[int(options.profile_id)]}"
        session = UploadSession(self._store, lambda: NOW, UploadLimits(batch_rows=self._at_once))
        self._uploads.append(upload_id)
        self._sessions[slot], self._sent[slot] = session, 0
        named = {"upload_id": upload_id, "profile_id": profile}
        changed = {name: getattr(options, name) for name in OPTIONS} | named
        return session.open(UploadOptions(**changed)).state

    def _send(self, slot: int, rows: Sequence[Given]) -> object:
        if slot not in self._sessions:
            self._open(slot, UploadOptions("", "0"))
        self._last = rows
        session, typed = self._sessions[slot], TypedRows.of(list(map(self._typed, rows)))
        for begin in range(0, len(typed), self._at_once):
            session.take_rows(self._sent[slot], typed[begin : begin + self._at_once])
            self._sent[slot] += len(typed[begin : begin + self._at_once])
        return _upload(session.suspend())

    def _send_again(self, slot: int, _: None) -> object:
        """Send what was sent last, by whichever upload."""
        return self._send(slot, self._last)

    def _finish(self, slot: int, _: None) -> object:
        session = self._sessions.pop(slot, None)
        if session is None:
            return None
        return _upload(session.finish(total_bytes=None, total_rows=self._sent[slot], crc32=None))

    def _discard(self, back: int, _: None) -> object:
        upload_id = (self._uploads or [""])[-1 - back :][0]
        done = self._store.write(lambda roll: removals.discard_upload(roll, upload_id, NOW))
        return _upload(done.upload), done.removed_count

    def _create(self, place: int, rows: Sequence[Given]) -> object:
        typed, profile = list(map(self._typed, rows)), f"prf-{self._profiles[place]}"
        made = self._store.write(lambda roll: device_changes.create(roll, profile, typed, NOW))
        return list(map(_told, made))

    def _delete(self, place: int, _: None) -> object:
        found = self._store.read(self._devices)
        chosen = [Choice(device.device_id) for device in found[place : place + 1]]
        return chosen and self._store.write(lambda roll: device_changes.delete(roll, chosen, NOW))

    def _enroll(self, digit: int, _: None) -> object:
        def work(roll: Roll) -> object:
            candidates = roll.devices.candidates(Presented((own_imei(str(digit), self._example),)))
            for device in candidates.by_imei:
                new = device.register_time is None
                roll.profiles.move_counts(device.profile_id, NOW, pending=-new, registered=+new)
                roll.devices.register(device, "", NOW)
            return list(map(_told, candidates.by_imei))

        return self._store.write(work)

    def _typed(self, row: Given) -> TypedRow:
        mine = own(row, self._example)
        imeis = [each + check_digit(each) if each.isdigit() else each for each in mine[:2]]
        attributes = {"site": mine.site} if mine.site else {}
        return TypedRow(imeis[0], imeis[1], mine.serial_number, mine.manufacturer, attributes)

    def look(self) -> object:
        """Give all that the roll tells, once it was seen to agree with itself."""
        return _masked(self._store.read(self._looked))

    def _looked(self, roll: Roll) -> object:
        devices = self._devices(roll)
        for name in self._profiles:
            profile = roll.profiles.get(f"prf-{name}")
            assert profile is not None
            mine = [each.register_time is None for each in devices if name in each.profile_id]
            assert (profile.pending_count, profile.device_count) == (sum(mine), len(mine))
        for upload_id in self._uploads:
            listed = list(roll.devices.list(DeviceQuery(upload_id=upload_id), after="", limit=99))
            assert listed == [each for each in devices if each.upload_id == upload_id]
        stood = [_upload(uploads.get(roll, upload_id)) for upload_id in self._uploads]
        return list(map(_told, devices)), stood

    def _devices(self, roll: Roll) -> list[Device]:
        queries = [DeviceQuery(profile_id=f"prf-{name}") for name in self._profiles]
        found = [each for q in queries for each in roll.devices.list(q, after="", limit=99)]
        return sorted(found, key=lambda device: int(device.device_id.removeprefix("dev-")))


OPTIONS = ("on_invalid_row", "on_conflict", "validate_only")


def _told(device: Device) -> Told:
    keys = (device.imei, device.imei2, device.serial_number, device.manufacturer)
    where = (str(device.state), device.upload_id, device.source_line)
    return Told(device.profile_id, keys, dict(device.attributes), *where)


def _upload(upload: Upload) -> object:
    errors = [(e.row, e.line, e.column, e.reason, e.message, e.device_id) for e in upload.errors]
    assert upload.counts.rejected == len(errors)
    return upload.upload_id, upload.state, upload.failure_reason, upload.counts, errors


def _masked(told: object) -> str:
    return re.sub(r"dev-\d+", "dev-N", repr(told))


def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no store wait for the disk."""
    monkeypatch.setitem(sqlite_store._PRAGMAS, "synchronous", "off")
    monkeypatch.setattr(log_sync, "sync", id)


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Side]]:
    """Give two stores, each for all examples: every one has profiles and keys of its own.

    They outlive no power loss: to wait for the disk would be most of the time.
    """
    unsynced(monkeypatch)
    whole, single = tmp_path / "whole", tmp_path / "single"
    with closing(opened(whole)) as one, closing(opened(single)) as other:
        yield [Side(one, 1_000, is_swept=False), Side(other, 1, is_swept=True)]


def opened(folder: Path) -> RollStore:
    """Open a store in a new folder."""
    folder.mkdir()
    url = DATABASES.url(folder, synced=False)
    return open_store(url, folder / DATABASE_NAME, lambda text: text.encode())


def test_neither_batches_nor_sweeping_can_be_told_from_what_becomes_of_uploads(
    sides: list[Side],
) -> None:
    @settings(max_examples=150)
    @example(DISCARDED_BESIDE)
    @example(ENROLLED_AND_DISCARDED)
    @given(st.lists(STEPS, min_size=1, max_size=20))
    def hold(steps: list[tuple[str, int, Any]]) -> None:
        number = next(EXAMPLES)
        worlds = [World(side, number) for side in sides]
        for step in steps:
            whole, single = (world.do(*step) for world in worlds)
            assert whole == single
            looks = [world.look() for world in worlds]
            assert looks[0] == looks[1]

    hold()
