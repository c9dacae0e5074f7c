"""Statements that share a message: in their order, with their errors, and undone together."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from peewee import IntegrityError, OperationalError

from rollbook_server.storage.engine import LateError
from rollbook_server.storage.postgres.database import settings
from rollbook_server.storage.postgres.roll import PostgresRoll

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

ADD, ALL = "INSERT INTO numbers VALUES (?)", "SELECT number FROM numbers ORDER BY number"
COUNT = "SELECT count(*) FROM numbers"


@pytest.fixture
def roll(postgres: PostgresServer) -> Iterator[PostgresRoll]:
    name = postgres.create()
    with closing(PostgresRoll(**settings(postgres.url(name)), thread_safe=False)) as roll:
        roll.execute_sql("CREATE TABLE numbers (number int PRIMARY KEY)")
        roll.execute_sql("BEGIN")
        yield roll
    postgres.drop(name)


def test_what_is_put_off_is_done_before_what_comes_next(roll: PostgresRoll) -> None:
    roll.hand_over(ADD, (1,))
    roll.hand_over("UPDATE numbers SET number = number + 1")
    assert roll.execute_sql(ALL).fetchall() == [(2,)]
    roll.hand_over(ADD, (1,))
    roll.copy_in("COPY numbers FROM STDIN", ["3\n"])
    roll.hand_over(ADD, (4,))
    assert roll.commits_plainly()
    assert roll.execute_sql(ALL).fetchall() == [(1,), (2,), (3,), (4,)]


def test_what_is_put_off_is_undone_with_the_rest(roll: PostgresRoll) -> None:
    roll.hand_over(ADD, (1,))
    roll.execute_sql("SAVEPOINT part")
    roll.hand_over(ADD, (2,))
    roll.forget()
    roll.execute_sql("ROLLBACK TO part")
    assert roll.execute_sql(ALL).fetchall() == [(1,)]


def test_its_error_is_raised_by_the_next_as_one_that_comes_late(roll: PostgresRoll) -> None:
    roll.hand_over(ADD, (1,))
    roll.hand_over(ADD, (1,))
    with pytest.raises(LateError) as raised:
        roll.execute_sql(ALL)
    assert isinstance(raised.value.__cause__, IntegrityError)
    roll.execute_sql("ROLLBACK")
    assert roll.execute_sql(ALL).fetchall() == []


def test_nothing_is_left_of_it_once_the_connection_is_cut(
    roll: PostgresRoll, postgres: PostgresServer
) -> None:
    (number,) = roll.execute_sql("SELECT pg_backend_pid()").fetchone()
    postgres.execute(f"SELECT pg_terminate_backend({number})")
    roll.hand_over(ADD, (1,))
    with pytest.raises(OperationalError):
        roll.commits_plainly()
    roll.close()
    assert roll.execute_sql(ALL).fetchall() == []


def test_a_foreseen_query_is_asked_again_once_something_was_written(roll: PostgresRoll) -> None:
    roll.hand_over(ADD, (1,))
    roll.look_ahead([(ALL, ()), (COUNT, ())])
    assert roll.execute_sql(ALL).fetchall() == [(1,)]
    roll.hand_over(ADD, (2,))
    assert roll.execute_sql(COUNT).fetchone() == (2,)


def test_what_is_expected_sees_what_was_handed_over_before_it_is_asked(roll: PostgresRoll) -> None:
    roll.look_ahead([(COUNT, ())])
    roll.hand_over(ADD, (1,))
    roll.look_ahead([(ALL, ())])
    assert roll.execute_sql(ALL).fetchall() == [(1,)]
    assert roll.execute_sql(COUNT).fetchone() == (1,)


def test_what_is_expected_is_void_once_something_else_was_asked(roll: PostgresRoll) -> None:
    roll.look_ahead([(COUNT, ())])
    roll.execute_sql(ADD, (1,))
    assert roll.execute_sql(COUNT).fetchone() == (1,)
    assert roll.execute_sql("SELECT 1").fetchone() == (1,)


def test_a_query_that_was_foreseen_is_not_sent_again(
    roll: PostgresRoll, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll.look_ahead([(ALL, ()), (COUNT, ())])
    assert roll.execute_sql(COUNT).fetchone() == (0,)
    monkeypatch.setattr(roll, "_run", None)
    assert roll.execute_sql(ALL).fetchall() == []
