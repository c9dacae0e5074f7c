"""What a group of enrollments costs a server on PostgreSQL: how often it waits, and for what."""

from __future__ import annotations

import json
from datetime import timedelta
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
from rollbook_server.domain.tokens import Token
from rollbook_server.domain.upload_options import UploadOptions
from rollbook_server.domain.users import User
from rollbook_server.domain.witness import Witness
from rollbook_server.storage.devices import _BY_IMEI
from rollbook_server.storage.postgres.database import PostgresEngine
from rollbook_server.storage.postgres.outbox import Statement, run
from rollbook_server.storage.postgres.roll import PostgresRoll
from storage.works import NOW, Held, rows_of
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postgres.cuts import CuttingProxy
    from postgres_server import PostgresServer
    from rollbook_server.storage.postgres.store import PostgresStore

DEVICES = 8
REGISTERED = "SELECT count(*) FROM devices WHERE register_time IS NOT NULL"
COUNTED = "SELECT registered_count, (SELECT count(*) FROM audit_events) FROM profiles"


def put_on_the_roll(store: PostgresStore, count: int, user_id: str = "") -> None:
    def work(roll: Any) -> None:
        tokenless = not user_id
        roll.profiles.add(Profile("prf-a", "a", NOW, NOW, tokenless=tokenless, user_id=user_id))
        packed = roll.devices.pack(rows_of(1, count))
        roll.devices.insert(UploadOptions("", "prf-a"), packed, NOW)

    store.write(work)


def enroll_all(
    store: PostgresStore,
    first: int = 1,
    token: bytes | None = None,
    *,
    imei: str = "{:014}",
    by_serial: bool = False,
) -> Sequence[Any]:
    """Enroll devices so that they are one group."""
    gate = Gate(Witness(str.encode), Guesses(GuessLimits()))

    def work(roll: Any, calls: Sequence[Call]) -> list[Any]:
        return enrollment_groups.enroll_all(gate, roll, calls)

    held = Held(store)
    serial = "S{}" if by_serial else ""
    numbers = range(first, first + DEVICES)
    calls = [call(imei.format(number), serial.format(number), token) for number in numbers]
    futures = [store._writer.submit_together(work, each) for each in calls]
    held.release()
    return [future.result() for future in futures]


def call(imei: str, serial: str, token: bytes | None) -> Call:
    presented = Presented.of((imei,) if imei else (), serial, "HTC" if serial else "")
    return Call(Enrollment(presented, token), Caller(source="10.0.0.1"), NOW)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Give, as they are sent, the first words of the statements of each message."""
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
    return messages


def waits(messages: list[list[str]]) -> int:
    """Count the messages of the last transaction."""
    begin = max(n for n, message in enumerate(messages) if message[0] == "BEGIN")
    assert messages[-1][-1] == "COMMIT"
    return len(messages[begin:])


def test_a_group_of_enrollments_waits_twice(
    store: PostgresStore, messages: list[list[str]]
) -> None:
    """For what is known of it, and for COMMIT with all that is written.

    The first group of a server does not foresee its profile.
    """
    put_on_the_roll(store, 2 * DEVICES)
    for first, expected in ((1, 3), (1 + DEVICES, 2)):
        decisions = enroll_all(store, first)
        assert {decision.outcome for decision in decisions} == {Outcome.REGISTERED}
        assert waits(messages) == expected


def test_a_group_with_tokens_serial_numbers_and_a_user_waits_twice_too(
    store: PostgresStore, messages: list[list[str]]
) -> None:
    put_on_the_roll(store, 2 * DEVICES, user_id="usr-a")
    digest = bytes([1])

    def work(roll: Any) -> None:
        roll.users.add(User("usr-a", "a", NOW, NOW))
        end = NOW + timedelta(days=7)
        roll.tokens.add(Token("tok-a", "prf-a", digest, b"sealed", "..A", NOW, end))

    store.write(work)
    for first in (1, 1 + DEVICES):
        decisions = enroll_all(store, first, digest, imei="", by_serial=True)
        assert {decision.outcome for decision in decisions} == {Outcome.REGISTERED}
        assert {decision.user.user_id for decision in decisions} == {"usr-a"}
    assert waits(messages) == 2
    token = store.read(lambda roll: roll.tokens.find(digest))
    assert token is not None
    assert token.use_count == 2 * DEVICES


def test_serial_numbers_of_those_whose_imeis_are_unknown_are_asked_together(
    store: PostgresStore, messages: list[list[str]]
) -> None:
    """And what was foreseen before is known still."""
    put_on_the_roll(store, 2 * DEVICES)
    enroll_all(store)
    decisions = enroll_all(store, 1 + DEVICES, imei="99{:012}", by_serial=True)
    assert {decision.outcome for decision in decisions} == {Outcome.REGISTERED}
    assert waits(messages) == 3


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
            plan = connection.execute(f"EXPLAIN {sql}".encode(), (wanted, wanted, 1)).fetchall()
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


@pytest.mark.parametrize("is_old", [False, True], ids=["", "libpq 13"])
def test_the_first_that_fails_is_told_and_none_behind_it_is_done(
    connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    is_old: bool,
) -> None:
    if is_old:
        monkeypatch.setattr(psycopg.Pipeline, "is_supported", lambda: False)
    connection.execute("BEGIN")
    done = "SELECT 1"
    told = failed(connection, done, "SELECT 1 / 0", done, "SELECT 1 FROM nothing", "COMMIT")
    assert told == (psycopg.errors.DivisionByZero, [True, False, False, False, False])
    assert connection.info.transaction_status is psycopg.pq.TransactionStatus.INERROR
    assert caplog.text == ""


def test_what_cannot_be_sent_leaves_the_connection_as_it_was(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("BEGIN")
    with pytest.raises(UnicodeEncodeError):
        run(connection, [Statement("SELECT 1"), Statement("SELECT $1", ("\ud800",))])
    assert connection.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_message_may_be_longer_than_what_the_socket_holds_both_ways(
    connection: psycopg.Connection[Any],
) -> None:
    text = "x" * 100_000
    statements = [Statement("SELECT $1::text", (text,)) for _ in range(50)]
    run(connection, statements)
    assert [each.answer.fetchone() for each in statements if each.answer] == [(text,)] * 50


def test_what_was_put_in_is_held_no_longer_than_there_is_work(store: PostgresStore) -> None:
    put_on_the_roll(store, DEVICES)
    database: Any = store._database
    until(lambda: database.spent is None)
