"""What a Store promises, on whatever engine: durable, alone in its error, one state to a reader."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from databases import DATABASES
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain import batches, uploads
from rollbook_server.domain.audit import Deed, Subject
from rollbook_server.domain.batches import Batch
from rollbook_server.domain.devices import DeviceRow, RowError
from rollbook_server.domain.error_blocks import RowErrors
from rollbook_server.domain.errors import Reason, RollbookError, RowReason
from rollbook_server.domain.left_out import LeftOut
from rollbook_server.domain.matching import Candidates, Presented
from rollbook_server.domain.profiles import Profile, ProfileOrder, ProfileQuery
from rollbook_server.domain.upload_options import UploadOptions
from rollbook_server.domain.uploads import Progress
from rollbook_server.storage.opening import open_store
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.schema import SCHEMA_VERSION
from storage.works import NOW, Held, add, rows_of
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.uploads import Upload
    from rollbook_server.storage.roll_store import RollStore

pytestmark = pytest.mark.both_engines


def opened(folder: Path) -> RollStore:
    """Open the store of a folder, on the engine of the test."""
    return open_store(DATABASES.url(folder), folder / DATABASE_NAME, lambda text: text.encode())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RollStore]:
    with closing(opened(tmp_path)) as store:
        yield store


def has(store: RollStore, name: str) -> bool:
    return store.read(lambda roll: roll.profiles.get(f"prf-{name}")) is not None


def upload_of(store: RollStore) -> Upload:
    store.write(lambda roll: add(roll, "a"))
    return store.write(lambda roll: uploads.open_upload(roll, UploadOptions("u", "prf-a"), NOW))


def commit(store: RollStore, upload: Upload, rows: Sequence[DeviceRow], at: int = 0) -> None:
    packing = store.packing()
    packing.add(rows)
    batch = Batch(rows, [], Progress(rows=at), Progress(rows=at + len(rows)), packed=packing.take())
    store.write(lambda roll: batches.commit(roll, upload, batch, NOW))


def test_what_was_written_is_stored_when_write_returns(store: RollStore, tmp_path: Path) -> None:
    assert store.write(lambda roll: add(roll, "a"))
    assert DATABASES.query(tmp_path, "SELECT profile_id FROM profiles") == [("prf-a",)]
    assert has(store, "a")


def test_what_was_written_is_there_for_the_next_store(engine: str, tmp_path: Path) -> None:
    for expected in (True, False):
        with closing(opened(tmp_path)) as store:
            assert store.write(lambda roll: add(roll, "a")) is expected, engine


def test_an_error_undoes_its_own_work_while_its_group_commits(
    store: RollStore, tmp_path: Path
) -> None:
    def fail(roll: Roll) -> None:
        add(roll, "b")
        raise KeyError("mine")

    held = Held(store)
    works: list[Any] = [lambda roll: add(roll, "a"), fail, lambda roll: add(roll, "c"), fail]
    futures = [store.submit(work) for work in works]
    held.release()
    assert [futures[0].result(), futures[2].result()] == [True, True]
    for future in (futures[1], futures[3]):
        with pytest.raises(KeyError, match="mine"):
            future.result()
    found = DATABASES.query(tmp_path, "SELECT name FROM profiles ORDER BY name")
    assert found == [("a",), ("c",)]


def test_who_asks_for_the_same_shares_the_error_of_nobody(store: RollStore, tmp_path: Path) -> None:
    def add_all(roll: Roll, names: Sequence[str]) -> list[bool]:
        added = [add(roll, name) for name in names]
        if "bad" in names:
            raise KeyError("mine")
        return added

    held = Held(store)
    with ThreadPoolExecutor(3) as pool:
        calls = {name: pool.submit(store.write_together, add_all, name) for name in ("a", "b")}
        bad = pool.submit(store.write_together, add_all, "bad")
        until(lambda: len(store._writer._small) == 3)
        held.release()
        assert [call.result() for call in calls.values()] == [True, True]
        with pytest.raises(KeyError, match="mine"):
            bad.result()
    found = DATABASES.query(tmp_path, "SELECT name FROM profiles ORDER BY name")
    assert found == [("a",), ("b",)]


@pytest.mark.parametrize("count", [0, 1, 8, 9, 600, 2_500])
def test_any_number_of_events_is_written_at_once(store: RollStore, count: int) -> None:
    def record(roll: Roll) -> None:
        for number in range(count):
            roll.audit.record(
                Deed(NOW, f"{number}", "ada", "here", Subject("", "", ""), "DONE", "")
            )

    store.write(record)
    links = store.read(lambda roll: list(roll.audit.links(after=0, limit=count + 1)))
    assert [link.sequence for link in links] == list(range(1, count + 1))
    told = [link.link and link.link.action for link in links]
    assert told == [str(number) for number in range(count)]


def test_an_error_of_the_database_undoes_its_own_work_alone(store: RollStore) -> None:
    def twice(roll: Roll) -> None:
        roll.uploads.add_errors("u", RowErrors([row_error(1), row_error(1)]))

    upload_of(store)
    held = Held(store)
    futures: list[Future[Any]] = [store.submit(twice), store.submit(lambda roll: add(roll, "c"))]
    held.release()
    assert futures[0].exception() is not None
    assert futures[1].result()
    assert list(store.read(lambda roll: list(roll.uploads.errors("u", after=0, limit=9)))) == []


def row_error(row: int, text: str = "x") -> RowError:
    return RowError(row, row + 1, "IMEI", RowReason.IMEI_LENGTH, text, "", [text, ""], "")


def test_texts_of_errors_come_back_as_they_were(store: RollStore) -> None:
    upload_of(store)
    texts = ["tab\tnew\nline\rback\\slash", r"\N", "\\t", '"', "", "\u2028é😍", "{a,b}", "NULL"]
    errors = [row_error(number, text) for number, text in enumerate(texts, 1)]
    store.write(lambda roll: roll.uploads.add_errors("u", RowErrors(errors)))
    found = store.read(lambda roll: list(roll.uploads.errors("u", after=0, limit=9)))
    assert [(each.message, [*each.values, ""][0]) for each in found] == [(t, t) for t in texts]


def test_attributes_and_keys_come_back_as_they_were(store: RollStore) -> None:
    texts = ["tab\tnew\nline\\slash", r"\N", '"', "é😍\u2028", "%s", "$1 ? $TEXTS", "'"]
    rows = [
        DeviceRow(n, n + 1, "", "", f"S{n}{text}", "HTC", "htc", {text: text}, [])
        for n, text in enumerate(texts, 1)
    ]
    commit(store, upload_of(store), rows)
    for row in rows:
        presented = Presented((), row.serial_number, "htc")
        device = store.read(partial(candidates, presented)).by_serial
        assert device is not None
        assert (device.attributes, device.source_row) == (row.attributes, row.row)
    names = store.read(lambda roll: roll.devices.attribute_names("prf-a", limit=9))
    assert names == texts == store.read(lambda roll: roll.devices.attribute_names_in_use("prf-a"))


def candidates(presented: Presented, roll: Roll) -> Candidates:
    return roll.devices.candidates(presented)


def test_a_reader_sees_one_state_from_beginning_to_end(store: RollStore) -> None:
    def look_twice(roll: Roll) -> list[bool]:
        before = roll.profiles.get("prf-a") is not None
        store.write(lambda roll: add(roll, "a"))
        return [before, roll.profiles.get("prf-a") is not None]

    assert store.read(look_twice) == [False, False]
    assert has(store, "a")


def test_a_reader_cannot_write_and_reads_on(store: RollStore) -> None:
    with pytest.raises(RollbookError) as refused:
        store.read(lambda roll: add(roll, "a"))
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    assert not has(store, "a")


def test_work_after_the_end_is_refused_with_a_time_to_try_again(
    engine: str, tmp_path: Path
) -> None:
    store = opened(tmp_path)
    last = store.submit(lambda roll: add(roll, "a"))
    store.close()
    assert last.result(), engine
    with pytest.raises(RollbookError) as caught:
        store.write(lambda roll: add(roll, "b"))
    assert caught.value.reason is Reason.SERVER_STOPPING
    assert caught.value.retry_after_seconds


def test_a_newer_schema_is_refused(engine: str, tmp_path: Path) -> None:
    opened(tmp_path).close()
    newer = SCHEMA_VERSION + 1
    change = f"UPDATE counters SET value = {newer} WHERE name = 'schema_version'"
    DATABASES.change(tmp_path, change)
    for _ in range(2):
        with pytest.raises(StoreError, match=f"schema {newer}"):
            assert opened(tmp_path), engine


def test_rows_whose_keys_are_taken_are_left_out_and_told_in_order(store: RollStore) -> None:
    upload = upload_of(store)
    commit(store, upload, rows_of(1, 50))
    mixed = [
        row._replace(row=row.row + 100, line=row.line + 100) if row.row % 3 else row
        for row in rows_of(40, 30)
    ]
    packing = store.packing()
    packing.add(mixed)
    packed = packing.take()
    options = UploadOptions("v", "prf-a")
    other = store.write(lambda roll: uploads.open_upload(roll, options, NOW))
    left_out = store.write(lambda roll: roll.devices.insert(other.options, packed, NOW))
    assert left_out == LeftOut(same=list(range(11)), devices=list(range(40, 51)))
    again = store.write(lambda roll: roll.devices.insert(other.options, packed, NOW))
    assert (again.repeated, again.lines) == (list(range(11, 30)), [row.line for row in mixed[11:]])
    assert (again.same, again.unclear) == (list(range(11)), [])


def test_a_row_that_met_another_by_its_second_key_is_no_repetition_of_a_later_one(
    store: RollStore,
) -> None:
    """(A, S1), (B, S1), (B, S2): the second repeats the first, whatever the third has."""
    upload = upload_of(store)
    first, second = rows_of(1, 2)
    rows = [first, second._replace(serial_number="S1"), second._replace(row=3, line=4)]
    commit(store, upload, rows)
    (error,) = store.read(lambda roll: list(roll.uploads.errors("u", after=0, limit=9)))
    assert (error.row, error.column) == (2, "serial_number")
    assert error.message.startswith("line 2 of the same upload has this serial number")


def test_the_holders_of_a_row_are_in_order_however_many_rows_are_asked_for(
    store: RollStore,
) -> None:
    upload, rows = upload_of(store), rows_of(1, 40)
    commit(store, upload, rows)
    mixed = [
        rows[n]._replace(imei2=rows[n - 5].imei, serial_number=f"S{n - 8}") for n in range(9, 40)
    ]
    together = store.read(lambda roll: roll.devices.holders(mixed))
    alone = store.read(lambda roll: [roll.devices.holders([row])[0] for row in mixed])
    expected = [[f"S{n - 8}", f"S{n - 4}", f"S{n + 1}"] for n in range(9, 40)]
    for found in (together, alone):
        assert [[device.serial_number for device in devices] for devices in found] == expected


def test_lists_are_in_the_order_of_code_points(store: RollStore) -> None:
    names = ["B", "a", "é", "Z", "ä", "_", "10", "9", "\U0001f60d", "\uffee"]
    for name in names:
        assert store.write(partial(add, name=name))
    found = store.read(partial(listed, None))
    assert [each.name for each in found] == sorted(names, key=str.casefold)
    for index, each in enumerate(found):
        after = (each.name.casefold(), each.profile_id)
        rest = store.read(partial(listed, after))
        assert rest == found[index + 1 :]


def listed(after: Any, roll: Roll) -> list[Profile]:
    return roll.profiles.list(ProfileQuery(order=ProfileOrder.NAME), after=after, limit=99)


def test_counts_may_pass_what_32_bits_hold(store: RollStore) -> None:
    upload = upload_of(store)
    far = Progress(offset=1 << 40, rows=1 << 33, crc32=0xFFFFFFFF)
    store.write(lambda roll: roll.uploads.advance(upload, far, upload.counts, NOW))
    found = store.read(lambda roll: roll.uploads.get("u"))
    assert found is not None
    assert found.progress == far


def test_what_holds_a_nul_is_not_found(store: RollStore) -> None:
    def look(roll: Roll) -> list[object]:
        presented = Presented((), "a\0b", "c\0d")
        return [
            roll.profiles.get("a\0b"),
            roll.users.find("a\0b"),
            roll.uploads.get("a\0b"),
            roll.devices.candidates(presented).by_serial,
            *roll.devices.find(["a\0b"]),
        ]

    assert not any(store.read(look))


def test_times_are_kept_to_the_microsecond(store: RollStore) -> None:
    now = datetime(2026, 11, 23, 9, 0, 0, 123457, tzinfo=UTC)
    store.write(lambda roll: roll.profiles.add(Profile("prf-t", "t", now, now)))
    profile = store.read(lambda roll: roll.profiles.get("prf-t"))
    assert profile is not None
    assert profile.create_time == now
