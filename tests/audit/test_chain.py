"""Whatever is done to the log by somebody who is no server, the first broken event is named."""

from __future__ import annotations

import hmac
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook import AuditEvent
from rollbook_server.domain import audit, clock
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.audit_chain import BEGINNING, End, Link, Seals
from rollbook_server.domain.audit_checks import Break, Fault, Verifier
from rollbook_server.domain.callers import Caller, calling
from rollbook_server.storage.audit import StoredAudit
from rollbook_server.storage.audit_tables import AuditEventTable
from rollbook_server.storage.sqlite.database import SqliteRoll
from rollbook_server.storage.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook_server.domain.ports import Roll

COUNT = 6
NOW = datetime(2026, 11, 25, 9, 0, 0, 1, tzinfo=UTC)
COLUMNS = [field.name for field in AuditEventTable._meta.sorted_fields]
IN_ORDER = "SELECT * FROM audit_events ORDER BY sequence"


def keyed(text: str) -> bytes:
    return hmac.digest(b"k" * 32, text.encode(), "sha256")


@dataclass
class Log:
    """A log of some events, in which anything can be tried."""

    database: SqliteRoll

    @contextmanager
    def tampered(self) -> Iterator[Callable[..., Any]]:
        """Give a way to run SQL, and undo all of it at the end."""
        begin: Any = self.database.atomic
        with begin() as transaction:
            yield self.database.execute_sql
            transaction.rollback()

    def rows(self) -> list[tuple[Any, ...]]:
        return list(self.database.execute_sql(IN_ORDER))

    def first_break(self, anchor: End = BEGINNING) -> Break | None:
        verifier, reached = Verifier(Seals(keyed), anchor), BEGINNING
        while True:  # in pieces, whose borders must make no difference
            check = verifier.check(self.audit, reached, 2)
            if check.is_whole:
                return check.first_break
            reached = check.reached

    @property
    def audit(self) -> StoredAudit:
        return StoredAudit(self.database)

    def make_digests_anew(self, first: int) -> None:
        """Make the digests from an event on fit, as anyone can."""
        run: Any = self.database.execute_sql
        before = "SELECT digest FROM audit_events WHERE sequence = ?"
        (digest,) = run(before, (first - 1,)).fetchone()
        for stored in list(self.audit.links(after=first - 1, limit=99)):
            assert stored.link is not None
            digest = stored.link.digest(digest)
            run("UPDATE audit_events SET digest = ? WHERE sequence = ?", (digest, stored.sequence))


def tell(roll: Roll, when: datetime, subject: Subject, told: dict[str, object]) -> None:
    audit.tell(roll, Action.DELETE_PROFILE, when, subject, told)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    path: Path = tmp_path_factory.mktemp("log") / "roll.db"
    store = SqliteStore(path, keyed)
    for number in range(COUNT):
        when, subject = NOW + timedelta(seconds=number), Subject(f"prf-{number}", "dev-1", "tok-1")
        told: dict[str, object] = {"name": f'Größe "{number}"\n', "count": number}
        with calling(Caller(f"key-{number}", "192.0.2.1")):
            store.write(partial(tell, when=when, subject=subject, told=told))
    store.close()
    database = SqliteRoll(str(path))
    yield Log(database)
    database.close()


def test_a_log_that_nobody_touched_is_unbroken(log: Log) -> None:
    assert len(log.rows()) == COUNT
    assert log.first_break() is None


VALUES = ["", "x", "{}", '{"count":"3"} ', b"", b"\xff", b"prf-3", 0, 3, -1, 2**62, 1.5]


@pytest.mark.parametrize("sequence", [1, 3, COUNT])
@pytest.mark.parametrize("column", COLUMNS)
def test_any_column_of_any_row_that_is_changed_is_named(
    log: Log, column: str, sequence: int
) -> None:
    before = log.rows()
    for value in VALUES:
        if column == "sequence" and (not isinstance(value, int) or 0 < value <= COUNT):
            continue  # no such row can be
        with log.tampered() as sql:
            sql(f"UPDATE audit_events SET {column} = ? WHERE sequence = ?", (value, sequence))
            if repr(log.rows()) != repr(before):
                found = log.first_break()
                assert found is not None, value
                first = 1 if column == "sequence" and value < 1 else sequence  # type: ignore[operator]
                assert found.sequence == first, (value, found)


@pytest.mark.parametrize("column", COLUMNS[1:])
def test_one_character_less_is_enough(log: Log, column: str) -> None:
    with log.tampered() as sql:
        (value,) = sql(f"SELECT {column} FROM audit_events WHERE sequence = 4").fetchone()
        other = value + 1 if isinstance(value, int) else value[:-1]
        sql(f"UPDATE audit_events SET {column} = ? WHERE sequence = 4", (other,))
        assert log.first_break() in {Break(4, Fault.EVENT_CHANGED), Break(4, Fault.SEAL_INVALID)}


@pytest.mark.parametrize("column", COLUMNS[2:-2])
def test_a_text_that_became_bytes_is_named(log: Log, column: str) -> None:
    with log.tampered() as sql:
        sql(f"UPDATE audit_events SET {column} = CAST({column} AS BLOB) WHERE sequence = 4")
        assert log.first_break() == Break(4, Fault.EVENT_CHANGED)


@pytest.mark.parametrize("first", range(1, COUNT + 1))
@pytest.mark.parametrize("count", [1, 2, COUNT])
def test_rows_that_are_deleted_are_missed_also_at_the_end(log: Log, first: int, count: int) -> None:
    with log.tampered() as sql:
        sql("DELETE FROM audit_events WHERE sequence BETWEEN ? AND ?", (first, first + count - 1))
        assert log.first_break() == Break(first, Fault.EVENT_MISSING)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 5), (5, 6), (1, 6)])
def test_two_rows_that_are_exchanged_are_named(log: Log, one: int, other: int) -> None:
    with log.tampered() as sql:
        for old, new in ((one, 99), (other, one), (99, other)):
            sql("UPDATE audit_events SET sequence = ? WHERE sequence = ?", (new, old))
        assert log.first_break() == Break(one, Fault.EVENT_CHANGED)


def test_who_makes_all_digests_anew_cannot_make_the_seals(log: Log) -> None:
    with log.tampered() as sql:
        sql("UPDATE audit_events SET actor = 'nobody' WHERE sequence = 3")
        log.make_digests_anew(3)
        assert log.first_break() == Break(3, Fault.SEAL_INVALID)


def test_an_event_that_is_put_in_before_or_behind_the_others_is_named(log: Log) -> None:
    for sequence in (0, -1, COUNT + 1):
        with log.tampered() as sql:
            sql(
                f"INSERT INTO audit_events SELECT ?, {', '.join(COLUMNS[1:])} FROM audit_events "
                "WHERE sequence = 1",
                (sequence,),
            )
            found = log.first_break()
            assert found is not None
            assert found.sequence == (sequence if sequence > 0 else 1)


@pytest.mark.parametrize("change", [
    "DELETE FROM audit_end",
    "UPDATE audit_end SET sequence = 5",
    "UPDATE audit_end SET sequence = 7",
    "UPDATE audit_end SET sequence = 'x'",
    "UPDATE audit_end SET digest = X'00'",
    "UPDATE audit_end SET digest = 'x'",
    "UPDATE audit_end SET seal = X'00'",
    "UPDATE audit_end SET seal = 'x'",
])  # fmt: skip
def test_an_end_that_is_changed_is_told(log: Log, change: str) -> None:
    with log.tampered() as sql:
        sql(change)
        assert log.first_break() == Break(COUNT, Fault.END_UNKNOWN)


def test_an_end_of_earlier_does_not_fit_later_events(log: Log) -> None:
    with log.tampered() as sql:
        (digest,) = sql("SELECT digest FROM audit_events WHERE sequence = 3").fetchone()
        seal = Seals(keyed).of_end(End(3, digest))
        sql("UPDATE audit_end SET sequence = 3, digest = ?, seal = ?", (digest, seal))
        assert log.first_break() == Break(COUNT, Fault.END_UNKNOWN)


def end_of(log: Log) -> End:
    found = log.audit.end()
    assert found is not None
    return found[0]


def test_an_older_copy_of_the_log_is_seen_by_an_anchor_alone(log: Log) -> None:
    anchor = end_of(log)
    with log.tampered() as sql:
        sql("DELETE FROM audit_events WHERE sequence > 3")
        (digest,) = sql("SELECT digest FROM audit_events WHERE sequence = 3").fetchone()
        seal = Seals(keyed).of_end(End(3, digest))  # as it stood there then
        sql("UPDATE audit_end SET sequence = 3, digest = ?, seal = ?", (digest, seal))
        assert log.first_break() is None
        assert log.first_break(anchor) == Break(4, Fault.EVENT_MISSING)
    assert log.first_break(anchor) is None


def test_an_anchor_that_is_not_in_the_log_as_it_was_is_told(log: Log) -> None:
    assert log.first_break(End(2, bytes(32))) == Break(2, Fault.ANCHOR_DIFFERS)
    assert log.first_break(End(COUNT + 1, bytes(32))) == Break(COUNT + 1, Fault.EVENT_MISSING)


def test_another_key_file_fits_no_seal(log: Log) -> None:
    others = Seals(lambda text: keyed(f"other {text}"))
    check = Verifier(others).check(log.audit, BEGINNING, 99)
    assert check.first_break == Break(1, Fault.SEAL_INVALID)


texts = st.sampled_from(["", "DONE", "prf-1", "key-2", "{}"]) | st.text(
    st.characters(exclude_categories=["Cs"])
)


@given(st.lists(texts, min_size=7, max_size=7), st.dictionaries(texts, texts), st.integers(0))
def test_the_client_computes_the_digests_that_the_server_does(
    fields: list[str], details: dict[str, str], second: int
) -> None:
    when = NOW + timedelta(seconds=second % 10**9)
    details = {name: text for name, text in details.items() if text}
    link = Link(7, clock.microseconds(when), *fields, audit.details_of(details))  # type: ignore[call-arg]
    names = ("action", "actor", "source", "profile_id", "device_id", "resource_id", "reason")
    told: dict[str, Any] = dict(zip(names, fields, strict=True))
    event = AuditEvent(7, when, **told, details=details)
    assert event.digest_behind(bytes(32)) == link.digest(bytes(32))


changes = st.tuples(
    st.just("UPDATE audit_events SET {column} = ? WHERE sequence = ?"),
    st.sampled_from(COLUMNS[1:]),
    st.one_of(texts, st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1)),
)
moves = st.tuples(
    st.just("UPDATE OR IGNORE audit_events SET {column} = ? WHERE sequence = ?"),
    st.just("sequence"),
    st.integers(-3, COUNT + 3),
)
removals = st.tuples(
    st.just("DELETE FROM audit_events WHERE ? IS NULL AND sequence = ?"),
    st.just(""),
    st.none(),
)


@given(st.lists(st.tuples(st.one_of(changes, moves, removals), st.integers(1, COUNT)), min_size=1))
def test_whatever_is_done_the_first_difference_is_named(log: Log, tampering: list[Any]) -> None:
    before = log.rows()
    with log.tampered() as sql:
        for (statement, column, value), sequence in tampering:
            sql(statement.format(column=column), (value, sequence))
        after = log.rows()
        same = (repr(old) == repr(new) for old, new in zip(before, after, strict=False))
        prefix = next((at for at, is_same in enumerate(same) if not is_same), len(after))
        expected = None if repr(after) == repr(before) else prefix + 1
        found = log.first_break()
        assert (found.sequence if found else None) == expected
