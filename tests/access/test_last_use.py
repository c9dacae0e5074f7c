"""When keys were used last: seen at once, and written once in a while."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rollbook import AdminClient, Role, UnauthenticatedError
from rollbook_server.domain.api_keys import ADMIN_KEY_ID, ApiKey, digest_of, keep_admin_key
from rollbook_server.domain.clock import instant
from rollbook_server.domain.key_ring import KeyRing
from rollbook_server.domain.rights import Right
from rollbook_server.storage.store import SqliteStore
from running import TurnableClock
from storage.test_audit import keyed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Server

VALUE = "rbk_" + "v" * 43


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture
def store(tmp_path: Path, clock: TurnableClock) -> Iterator[SqliteStore]:
    """Give a store with one key."""
    key = ApiKey("key-1", digest_of(VALUE), "Key", None, frozenset({Right.VIEW}), clock())
    with closing(SqliteStore(tmp_path / "roll.db", keyed)) as store:
        store.write(lambda roll: roll.api_keys.add(key))
        yield store


@pytest.fixture
def ring(store: SqliteStore, clock: TurnableClock) -> KeyRing:
    return KeyRing(store, clock)


@pytest.fixture
def writes(
    store: SqliteStore, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> list[datetime]:
    """Give when the store was asked to write, from now on."""
    asked: list[datetime] = []
    submit = store.submit

    def noting(work: Callable[..., object], **how: bool) -> object:
        asked.append(clock())
        return submit(work, **how)

    monkeypatch.setattr(store, "submit", noting)
    return asked


def stored(store: SqliteStore) -> datetime | None:
    store._writer.submit(lambda _: None).result()  # behind what is queued
    key = store.read(lambda roll: roll.api_keys.get("key-1"))
    assert key is not None
    return key.last_use_time


def test_a_use_is_written_once_a_minute_and_never_in_between(
    ring: KeyRing, store: SqliteStore, clock: TurnableClock, writes: list[datetime]
) -> None:
    first = clock()
    for _ in range(150):  # a call every second
        ring.check(VALUE)
        clock.turn(seconds=1)
    assert writes == [first + timedelta(minutes=minute) for minute in range(3)]
    assert stored(store) == first + timedelta(minutes=2)


def test_what_was_not_written_yet_is_shown_and_is_written_at_the_end(
    ring: KeyRing, store: SqliteStore, clock: TurnableClock, writes: list[datetime]
) -> None:
    first = clock()
    ring.check(VALUE)
    clock.turn(seconds=59)
    ring.check(VALUE)
    key = store.read(lambda roll: roll.api_keys.get("key-1"))
    assert key is not None
    assert stored(store) == first
    assert ring.freshened(key).last_use_time == clock()

    ring.flush()
    assert stored(store) == clock()
    assert len(writes) == 2
    KeyRing(store, clock).flush()  # which has nothing to write
    assert len(writes) == 2


def test_a_clock_that_was_ahead_once_leaves_no_time_to_come(
    ring: KeyRing, store: SqliteStore, clock: TurnableClock
) -> None:
    clock.turn(days=3650)
    ring.check(VALUE)
    clock.turn(days=-3649)
    key = store.read(lambda roll: roll.api_keys.get("key-1"))
    assert key is not None
    ring.check(VALUE)
    assert ring.freshened(key).last_use_time == clock()
    assert stored(store) == clock()


def test_what_another_server_noted_since_stays(
    ring: KeyRing, store: SqliteStore, clock: TurnableClock
) -> None:
    ring.check(VALUE)
    clock.turn(days=1, minutes=4)  # its clock may be ahead a little
    KeyRing(store, clock).check(VALUE)
    used = clock()
    clock.turn(minutes=-4)
    ring.flush()
    assert stored(store) == used
    key = store.read(lambda roll: roll.api_keys.get("key-1"))
    assert key is not None
    assert ring.freshened(key).last_use_time == used


def test_a_key_is_looked_up_once_and_anew_when_one_was_revoked(
    ring: KeyRing, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    read = store.read

    def noting(work: Callable[..., object]) -> object:
        looks.append(work)
        return read(work)

    monkeypatch.setattr(store, "read", noting)
    for _ in range(3):
        ring.check(VALUE)
    assert len(looks) == 1
    ring.forget()
    ring.check(VALUE)
    assert len(looks) == 2


def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_remembered(
    ring: KeyRing, store: SqliteStore, clock: TurnableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = store.read

    def read_then_revoke(work: Callable[..., object]) -> object:
        found = read(work)
        store.write(lambda roll: roll.api_keys.revoke("key-1", clock()))
        ring.forget()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(store, "read", read_then_revoke)
        ring.check(VALUE)  # it was good when it was read
    with pytest.raises(Exception, match="was revoked"):
        ring.check(VALUE)


def test_the_administrator_key_is_another_only_if_its_value_is(
    store: SqliteStore, clock: TurnableClock
) -> None:
    first = clock()
    made = []
    for value in ("old" * 11, "old" * 11, "new" * 11):
        keep_admin_key(store, value, clock())
        key = store.read(lambda roll: roll.api_keys.get(ADMIN_KEY_ID))
        assert key is not None
        made.append(key.create_time)
        clock.turn(days=1)
    assert made == [first, first, first + timedelta(days=2)]
    assert store.read(lambda roll: roll.api_keys.find(digest_of("old" * 11))) is None


def test_the_last_use_is_shown_and_survives_the_server(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    with server.admin() as admin:
        made = admin.create_api_key("Key", role=Role.VIEWER)
        with AdminClient(server.address, api_key=made.value) as viewer:
            list(viewer.list_profiles())
            server.clock.turn(seconds=30)
            list(viewer.list_profiles())
        used = server.clock()
        server.clock.turn(seconds=10)
        assert [key.last_use_time for key in admin.list_api_keys()] == [server.clock(), used]
    server.stop()
    rows = server.query("SELECT last_use_time FROM api_keys ORDER BY create_time, id")
    assert [instant(time) for (time,) in rows] == [server.clock(), used]


def test_a_key_that_is_refused_is_not_used(
    admin: AdminClient, server: Server, client: Callable[[str], AdminClient]
) -> None:
    end = server.clock() + timedelta(hours=1)
    made = admin.create_api_key("Key", role=Role.VIEWER, expire_time=end)
    viewer = client(made.value)
    server.clock.turn(minutes=59, seconds=59)
    used = server.clock()
    list(viewer.list_profiles())
    server.clock.turn(seconds=1)
    with pytest.raises(UnauthenticatedError) as caught:
        list(viewer.list_profiles())
    assert caught.value.reason == "API_KEY_EXPIRED"
    assert caught.value.metadata["expire_time"] == end.isoformat()
    assert list(admin.list_api_keys())[1].last_use_time == used
