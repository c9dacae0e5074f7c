"""What a group of enrollments costs a server on PostgreSQL: how often it waits, and for what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from postgres.cuts import COMMIT, Cut
from rollbook_server.domain import enrollment_groups
from rollbook_server.domain.callers import Caller
from rollbook_server.domain.enrollment import Enrollment, Outcome
from rollbook_server.domain.enrollment_groups import Call
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.gate import Gate
from rollbook_server.domain.guess_limits import GuessLimits
from rollbook_server.domain.guessing import Guesses
from rollbook_server.domain.matching import Presented
from rollbook_server.domain.profiles import Profile
from rollbook_server.domain.uploads import UploadOptions
from rollbook_server.domain.witness import Witness
from rollbook_server.storage.devices import _BY_IMEI
from rollbook_server.storage.postgres.database import PostgresEngine
from rollbook_server.storage.postgres.outbox import Statement, run
from rollbook_server.storage.postgres.roll import PostgresRoll
from storage.works import NOW, Held, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postgres.cuts import CuttingProxy
    from postgres_server import PostgresServer
    from rollbook_server.storage.postgres.store import PostgresStore

DEVICES = 8
REGISTERED = "SELECT count(*) FROM devices WHERE register_time IS NOT NULL"
COUNTED = "SELECT registered_count, (SELECT count(*) FROM audit_events) FROM profiles"


def put_on_the_roll(store: PostgresStore, count: int) -> None:
    def work(roll: Any) -> None:
        roll.profiles.add(Profile("prf-a", "a", NOW, NOW, tokenless=True))
        packed = roll.devices.pack(rows_of(1, count))
        roll.devices.insert(UploadOptions("", "prf-a"), packed, NOW)

    store.write(work)


def enroll_all(store: PostgresStore, first: int = 1) -> Sequence[Any]:
    """Enroll devices so that they are one group."""
    gate = Gate(Witness(str.encode), Guesses(GuessLimits()))

    def work(roll: Any, calls: Sequence[Call]) -> list[Any]:
        return enrollment_groups.enroll_all(gate, roll, calls)

    held = Held(store)
    futures = [
        store._writer.submit_together(work, call(first + number)) for number in range(DEVICES)
    ]
    held.release()
    return [future.result() for future in futures]


def call(number: int) -> Call:
    presented = Presented.of((f"{number:014}",), "", "")
    return Call(Enrollment(presented), Caller(source="10.0.0.1"), NOW)


def test_a_group_of_enrollments_waits_twice(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For what is known of it, and for COMMIT with all that is written.

    The first group of a server does not foresee its profile.
    """
    put_on_the_roll(store, 2 * DEVICES)
    messages: list[list[str]] = []
    run, execute = PostgresRoll.run, PostgresEngine.execute_sql

    def ran(self: PostgresRoll, statements: Sequence[Statement]) -> None:
        messages.append([each._sql.split(maxsplit=1)[0].decode() for each in statements])
        run(self, statements)

    def executed(self: PostgresRoll, sql: str, params: Any = None) -> Any:
        messages.append([sql.split(maxsplit=1)[0]])
        return execute(self, sql, params)

    monkeypatch.setattr(PostgresRoll, "run", ran)
    monkeypatch.setattr(PostgresEngine, "execute_sql", executed)
    for first, waits in ((1, 3), (1 + DEVICES, 2)):
        decisions = enroll_all(store, first)
        assert {decision.outcome for decision in decisions} == {Outcome.REGISTERED}
        begin = max(n for n, message in enumerate(messages) if message[0] == "BEGIN")
        assert messages[-1][-1] == "COMMIT"
        assert len(messages[begin:]) == waits


def test_all_that_a_group_writes_is_kept(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    put_on_the_roll(store, DEVICES)
    assert len({decision.device.device_id for decision in enroll_all(store)}) == DEVICES
    assert postgres.query(name, REGISTERED) == [(DEVICES,)]
    assert postgres.query(name, COUNTED) == [(DEVICES, DEVICES)]


def cut_commit(proxy: CuttingProxy, cut: Cut) -> None:
    """Cut the second COMMIT: the first is of the work that holds the group back."""
    cuts = iter([Cut.NOT, cut])
    proxy.decide = lambda data: next(cuts, Cut.NOT) if COMMIT in data else Cut.NOT


def test_a_group_whose_commit_is_done_and_not_answered_is_looked_up(
    store: PostgresStore, proxy: CuttingProxy, postgres: PostgresServer, name: str
) -> None:
    put_on_the_roll(store, DEVICES)
    cut_commit(proxy, Cut.ANSWERED)
    assert {decision.outcome for decision in enroll_all(store)} == {Outcome.REGISTERED}
    assert postgres.query(name, COUNTED) == [(DEVICES, DEVICES)]


def test_nothing_is_kept_of_a_group_whose_commit_was_never_heard_of(
    store: PostgresStore, proxy: CuttingProxy, postgres: PostgresServer, name: str
) -> None:
    """Though what was handed over may have been done: it went there together."""
    put_on_the_roll(store, DEVICES)
    cut_commit(proxy, Cut.BEFORE)
    with pytest.raises(RollbookError) as raised:
        enroll_all(store)
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    assert postgres.query(name, REGISTERED) == [(0,)]
    assert postgres.query(name, COUNTED) == [(0, 0)]
    assert {decision.outcome for decision in enroll_all(store)} == {Outcome.REGISTERED}


def test_devices_are_found_without_going_through_all_of_a_table(
    store: PostgresStore, postgres: PostgresServer, name: str
) -> None:
    """Of 20,000, where it looks cheap, and with nothing known of them yet."""
    put_on_the_roll(store, 20_000)
    sql = store._database.spelled(_BY_IMEI)
    wanted = json.dumps([f"{number:014}" for number in range(64)])
    with psycopg.connect(postgres.url(name), cursor_factory=psycopg.RawCursor) as connection:
        for prepare in ("SELECT 1", "ANALYZE"):
            connection.execute(prepare.encode())
            plan = connection.execute(f"EXPLAIN {sql}".encode(), (wanted, wanted)).fetchall()
            assert "Seq Scan on devices" not in "\n".join(line for (line,) in plan)


def failed(connection: psycopg.Connection[Any], *statements: str) -> tuple[type, list[bool]]:
    """Give the error of statements, and which of them were done."""
    all_of_them = [Statement(sql) for sql in statements]
    with pytest.raises(psycopg.Error) as raised:
        run(connection, all_of_them)
    return type(raised.value), [each.answer is not None for each in all_of_them]


@pytest.fixture
def connection(postgres: PostgresServer, name: str) -> Any:
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        yield connection


def test_the_first_that_fails_is_told_and_none_behind_it_is_done(
    connection: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    connection.execute("BEGIN")
    done = "SELECT 1"
    told = failed(connection, done, "SELECT 1 / 0", done, "SELECT 1 FROM nothing", "COMMIT")
    assert told == (psycopg.errors.DivisionByZero, [True, False, False, False, False])
    assert connection.info.transaction_status is psycopg.pq.TransactionStatus.INERROR
    assert caplog.text == ""
