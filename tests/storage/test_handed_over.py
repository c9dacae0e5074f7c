"""What is handed over without waiting is done like all else, or undone with what it belongs to."""

from __future__ import annotations

from concurrent.futures import wait
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from databases import DATABASES
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain.audit import Deed, Subject
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.storage.opening import open_store
from storage.works import NOW, Held, add

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rollbook_server.storage.engine import RollDatabase
    from rollbook_server.storage.roll_store import RollStore

pytestmark = pytest.mark.both_engines

NOTE = "INSERT INTO counters (name, value) VALUES (?, ?)"
FIND = "SELECT value FROM counters WHERE name = ?"
BAD = "bad"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RollStore]:
    database = DATABASES.url(tmp_path)
    with closing(open_store(database, tmp_path / DATABASE_NAME, lambda text: text.encode())) as it:
        yield it


def on(roll: Any) -> RollDatabase:
    database: RollDatabase = roll.profiles._database
    return database


def noted(tmp_path: Path) -> list[str]:
    found = DATABASES.query(tmp_path, "SELECT name FROM counters WHERE value = 42 ORDER BY name")
    return [name for (name,) in found]


def events(tmp_path: Path) -> list[str]:
    found = DATABASES.query(tmp_path, "SELECT reason FROM audit_events ORDER BY sequence")
    return [reason for (reason,) in found]


def note(roll: Any, name: str) -> str:
    """Hand over a statement that fails if the name is BAD, and tell of it."""
    table = "no_such_table" if name == BAD else "counters"
    on(roll).hand_over(NOTE.replace("counters", table), (name, 42))
    roll.audit.record(Deed(NOW, "Note", "key", "here", Subject(), name, ""))
    return name


def note_all(roll: Any, names: Sequence[str]) -> list[str]:
    return [note(roll, name) for name in names]


def test_it_is_kept_when_write_returns(store: RollStore, tmp_path: Path) -> None:
    assert store.write(lambda roll: note(roll, "a")) == "a"
    assert (noted(tmp_path), events(tmp_path)) == (["a"], ["a"])


def test_it_is_found_by_what_comes_after_it_in_its_transaction(store: RollStore) -> None:
    def work(roll: Any) -> int:
        note(roll, "a")
        found = on(roll).execute_sql(FIND, ("a",)).fetchone()
        return int(found[0])

    assert store.write(work) == 42


def test_of_those_who_ask_for_the_same_the_one_that_fails_fails_alone(
    store: RollStore, tmp_path: Path
) -> None:
    held = Held(store)
    names = ["a", BAD, "b"]
    futures = [store._writer.submit_together(note_all, name) for name in names]
    held.release()
    wait(futures)
    assert [future.exception() is None for future in futures] == [True, False, True]
    assert (noted(tmp_path), events(tmp_path)) == (["a", "b"], ["a", "b"])


def test_of_those_who_ask_for_the_same_the_one_that_is_refused_at_once_is_refused_alone(
    store: RollStore,
) -> None:
    """Before anything is asked of the database, which may not even have begun."""

    def work(_: Any, names: Sequence[str]) -> Sequence[str]:
        if BAD in names:
            raise RollbookError(Reason.STORE_FULL, "no room")
        return names

    held = Held(store)
    futures = [store._writer.submit_together(work, name) for name in ("a", BAD, "b")]
    held.release()
    wait(futures)
    assert [future.exception() is None for future in futures] == [True, False, True]


def test_work_of_its_own_that_fails_fails_alone(store: RollStore, tmp_path: Path) -> None:
    held = Held(store)
    first = store.submit(lambda roll: note(roll, "a"))
    failing = store.submit(lambda roll: note(roll, BAD))
    last = store.submit(lambda roll: note(roll, "b"))
    held.release()
    assert (first.result(), last.result()) == ("a", "b")
    assert failing.exception() is not None
    assert (noted(tmp_path), events(tmp_path)) == (["a", "b"], ["a", "b"])


def test_nothing_of_work_that_raises_is_done(store: RollStore, tmp_path: Path) -> None:
    def work(roll: Any) -> None:
        note(roll, "a")
        raise RollbookError(Reason.STORE_FULL, "no room")

    held = Held(store)
    failing, other = store.submit(work), store.submit(lambda roll: note(roll, "b"))
    held.release()
    with pytest.raises(RollbookError):
        failing.result()
    assert other.result() == "b"
    assert (noted(tmp_path), events(tmp_path)) == (["b"], ["b"])


def test_a_store_goes_on_behind_what_failed(store: RollStore, tmp_path: Path) -> None:
    for _ in range(2):
        failing = store.submit(lambda roll: note(roll, BAD))
        assert failing.exception() is not None
        assert store.write(lambda roll: add(roll, "a")) in (True, False)
    assert store.write(lambda roll: note(roll, "a")) == "a"
    assert noted(tmp_path) == ["a"]
