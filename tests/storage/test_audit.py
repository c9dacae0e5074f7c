"""Events are told in the transaction of what they tell: both are there, or neither."""

from __future__ import annotations

import hmac
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.domain import audit
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.audit_chain import BEGINNING, Seals
from rollbook_server.domain.audit_checks import Verifier
from rollbook_server.domain.audit_lists import AuditQuery
from rollbook_server.domain.callers import Caller, calling
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.profiles import Profile
from rollbook_server.storage.audit_tables import AuditEventTable
from rollbook_server.storage.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rollbook_server.domain.audit import AuditEvent
    from rollbook_server.domain.ports import Roll

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

OTHERS = ", ".join(field.name for field in AuditEventTable._meta.sorted_fields[1:])


def keyed(text: str) -> bytes:
    return hmac.digest(b"k" * 32, text.encode(), "sha256")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "roll.db", keyed)) as store:
        yield store


def add(roll: Roll, name: str) -> None:
    """Change something, and tell it."""
    roll.profiles.add(Profile(f"prf-{name}", name, NOW, NOW))
    audit.tell(roll, Action.CREATE_PROFILE, NOW, Subject(f"prf-{name}"))


def add_and_fail(roll: Roll, name: str) -> None:
    add(roll, name)
    raise ValueError(name)


def told(store: SqliteStore) -> list[str]:
    def find(roll: Roll) -> Sequence[AuditEvent]:
        return roll.audit.list(AuditQuery(), before=0, limit=9999)

    return [event.deed.subject.profile_id for event in reversed(store.read(find))]


def is_unbroken(store: SqliteStore) -> bool:
    verifier = Verifier(Seals(keyed))
    return store.read(lambda roll: verifier.check(roll.audit, BEGINNING, 9999)).first_break is None


def test_work_that_fails_after_it_was_told_leaves_neither(store: SqliteStore) -> None:
    with pytest.raises(ValueError, match="a"):
        store.write(lambda roll: add_and_fail(roll, "a"))
    assert store.read(lambda roll: roll.profiles.get("prf-a")) is None
    assert told(store) == []
    store.write(lambda roll: add(roll, "b"))
    assert told(store) == ["prf-b"]
    assert is_unbroken(store)


def test_of_a_group_those_that_succeed_are_told_in_their_order(store: SqliteStore) -> None:
    go_on = threading.Event()
    store.submit(lambda _: go_on.wait() and None)  # so that what follows is one group
    wanted = [store.submit(lambda roll: add(roll, "a")), store.submit(lambda roll: add(roll, "c"))]
    failing = store.submit(lambda roll: add_and_fail(roll, "b"))
    last = store.submit(lambda roll: add(roll, "d"))
    go_on.set()
    for future in (*wanted, last):
        future.result()
    assert isinstance(failing.exception(), ValueError)
    assert told(store) == ["prf-a", "prf-c", "prf-d"]
    assert is_unbroken(store)


def test_what_cannot_be_told_is_not_done(store: SqliteStore) -> None:
    store.write(lambda roll: add(roll, "a"))
    run: Any = store._database.execute_sql
    store.write(lambda _: run("ALTER TABLE audit_events RENAME TO hidden"))
    with pytest.raises(RollbookError) as refused:
        store.write(lambda roll: add(roll, "b"))
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    store.write(lambda _: run("ALTER TABLE hidden RENAME TO audit_events"))
    assert store.read(lambda roll: roll.profiles.get("prf-b")) is None
    store.write(lambda roll: add(roll, "c"))
    assert told(store) == ["prf-a", "prf-c"]
    assert is_unbroken(store)


def test_a_full_disk_is_told_as_such_and_nothing_is_done(store: SqliteStore) -> None:
    run: Any = store._database.execute_sql
    (pages,) = store.write(lambda _: run("PRAGMA page_count").fetchone())
    store.write(lambda _: run(f"PRAGMA max_page_count = {pages}").fetchone())
    details = {f"d{number}": "x" * 300 for number in range(200)}
    about = (Action.DELETE_USER, NOW, Subject("prf-a"), details)
    with pytest.raises(RollbookError) as caught:
        store.write(lambda roll: audit.tell(roll, *about))
    assert caught.value.reason is Reason.STORE_FULL
    assert told(store) == []


def test_work_is_told_in_the_name_of_whoever_handed_it_over(store: SqliteStore) -> None:
    def work(number: int) -> None:
        with calling(Caller(f"key-{number}", f"192.0.2.{number}")):
            future = store.submit(lambda roll: add(roll, str(number)))
        future.result()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(64)))
    events = store.read(lambda roll: roll.audit.list(AuditQuery(), before=0, limit=99))
    found = {(each.deed.subject.profile_id, each.deed.actor, each.deed.source) for each in events}
    assert found == {(f"prf-{n}", f"key-{n}", f"192.0.2.{n}") for n in range(64)}
    assert is_unbroken(store)


def test_the_chain_goes_on_where_it_was_when_the_store_is_opened_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with closing(SqliteStore(tmp_path / "roll.db", keyed)) as store:
            store.write(lambda roll, name=name: add(roll, name))  # type: ignore[misc]
            assert is_unbroken(store)
    with closing(SqliteStore(tmp_path / "roll.db", keyed)) as store:
        assert told(store) == ["prf-a", "prf-b"]


@pytest.mark.parametrize(("statement", "missing"), [
    ("UPDATE audit_end SET sequence = 'x'", 4),
    ("UPDATE audit_end SET digest = 'x'", 4),
    ("UPDATE audit_end SET seal = 'x'", 4),
    ("UPDATE audit_events SET sequence = 4 WHERE sequence = 2", 2),
    (f"INSERT INTO audit_events SELECT 4, {OTHERS} FROM audit_events WHERE sequence = 1", 4),
])  # fmt: skip
def test_the_log_goes_on_behind_a_gap_where_its_end_is_not_as_it_was(
    store: SqliteStore, statement: str, missing: int
) -> None:
    for name in ("a", "b", "c"):
        store.write(lambda roll, name=name: add(roll, name))  # type: ignore[misc]
    run: Any = store._database.execute_sql
    store.write(lambda _: run(statement) and None)
    for name in ("d", "e", "f"):
        store.write(lambda roll, name=name: add(roll, name))  # type: ignore[misc]
    assert told(store)[-3:] == ["prf-d", "prf-e", "prf-f"]
    verifier = Verifier(Seals(keyed))
    found = store.read(lambda roll: verifier.check(roll.audit, BEGINNING, 9999)).first_break
    assert found is not None
    assert found.sequence == missing


def test_work_that_is_undone_is_not_remembered(store: SqliteStore) -> None:
    store.write(lambda roll: add(roll, "a"))
    assert store.newest_event() == store.read(lambda roll: roll.audit.newest())
    with pytest.raises(ValueError, match="b"):
        store.write(lambda roll: add_and_fail(roll, "b"))
    assert store.newest_event().sequence == 1
    store.write(lambda _: None)
    assert store.newest_event().sequence == 1


def test_nothing_can_be_told_where_nothing_is_written(store: SqliteStore) -> None:
    with pytest.raises(AssertionError, match="CreateProfile is told where nothing is written"):
        store.read(add_event)


def add_event(roll: Roll) -> None:
    audit.tell(roll, Action.CREATE_PROFILE, NOW, Subject("prf-a"))


@pytest.mark.parametrize(("filters", "index"), [
    ({"profile_id": "prf-1"}, "audit_events_profile"),
    ({"device_id": "dev-1"}, "audit_events_device"),
    ({"resource_id": "tok-1"}, "audit_events_resource"),
    ({"actor": "key-1"}, "audit_events_actor"),
    ({"reason": "TOKEN_EXPIRED"}, "audit_events_reason"),
    ({"action": "RevealToken"}, "audit_events_action"),
    ({"actor": "device"}, "PRIMARY KEY"),
    ({"action": "EnrollDevice"}, "PRIMARY KEY"),
    ({"reason": "DONE"}, "PRIMARY KEY"),
    ({}, "PRIMARY KEY"),
])  # fmt: skip
def test_events_are_looked_for_by_an_index_and_not_sorted(
    store: SqliteStore, filters: dict[str, str], index: str
) -> None:
    seen: list[tuple[str, Any]] = []
    read: Any = store._readers
    run = read.execute_sql

    def noting(sql: str, params: Any = None, **rest: Any) -> Any:
        seen.append((sql, params))
        return run(sql, params, **rest)

    read.execute_sql = noting
    store.read(lambda roll: roll.audit.list(AuditQuery(**filters), before=9, limit=2))  # type: ignore[arg-type]
    ((sql, params),) = [each for each in seen if "audit_events" in each[0]]
    plan = "".join(str(row) for row in run(f"EXPLAIN QUERY PLAN {sql}", params))
    assert index in plan
    assert "TEMP B-TREE" not in plan
