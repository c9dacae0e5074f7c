"""A roll goes into another database whole, however often the way is broken off."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peewee import AutoField, BlobField, BooleanField, IntegerField

from database import full_roll
from database.conftest import rows, url
from databases import DATABASES, POSTGRESQL, SQLITE
from rollbook import EnrollOutcome
from rollbook_server.config import DATABASE_NAME
from rollbook_server.storage import copy_rows
from rollbook_server.storage.copying import copy
from rollbook_server.storage.opening import place
from rollbook_server.storage.schema import TABLES
from rollbook_server.storage.store import SqliteStore
from uploads.wire import Wire, csv, finish, imei, opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from peewee import Field, Model

    from cli.ended import Cli
    from database.full_roll import FullRoll
    from rollbook_server.storage.copying import CopyStep
    from running import Server

BOTH_WAYS = pytest.mark.parametrize(
    ("engine", "other"), [(SQLITE, POSTGRESQL), (POSTGRESQL, SQLITE)], indirect=["engine"]
)


@pytest.fixture
def roll(serve: Callable[..., Server]) -> tuple[Server, FullRoll]:
    """Give a server that was stopped, and what is on its roll."""
    server = serve()
    full = full_roll.fill(server)
    server.stop()
    return server, full


@pytest.fixture
def target(tmp_path: Path, roll: tuple[Server, FullRoll]) -> Path:
    """Give a data directory with the keys of the roll's server, but without its database."""
    made = tmp_path / "moved"
    ignored = shutil.ignore_patterns(f"{DATABASE_NAME}*", "token.epoch")
    shutil.copytree(roll[0].data_dir, made, ignore=ignored)
    return made


@BOTH_WAYS
def test_the_copy_answers_as_the_roll_does(
    roll: tuple[Server, FullRoll],
    target: Path,
    engine: str,
    other: str,
    serve: Callable[..., Server],
    command: Cli,
) -> None:
    first, full = roll
    source, moved = url(first.data_dir, engine), url(target, other)
    before = rows(source)
    assert all(before[name] for name in before if name not in MAY_BE_EMPTY)
    ended = command("database", "copy", "--from", source, "--to", moved)
    assert ended.code == 0, ended.err
    assert rows(moved) == rows(source) == before
    original, copied = serve(data_dir=first.data_dir), serve(data_dir=target, database=moved)
    assert full_roll.answers(copied) == full_roll.answers(original)
    assert full_roll.create_once(copied) == full_roll.create_once(original)
    with copied.admin() as admin, copied.agent() as agent, Wire(copied) as wire:
        assert admin.verify_audit_log().first_break is None
        assert admin.reveal_token(full.profile_ids[0]) == full.tokens[1]
        for token in full.tokens:
            enrolled = agent.enroll_device(token=token, imeis=[imei(2)])
            assert enrolled.outcome is EnrollOutcome.REGISTERED
        sent = opening(full.profile_ids[0], "half"), csv(full_roll.CSV)
        assert wire.send(*sent, finish(total_bytes=len(full_roll.CSV))).created_count == 40
        # Numbers that the database gives go on, too.
        assert admin.create_user("bob").user_id
        assert admin.create_profile("New").device_count == 0
        assert admin.verify_audit_log().first_break is None


# What a roll has only while something else goes on, or for moments.
MAY_BE_EMPTY = {"ended_profiles"}


def _cells(field: Field) -> st.SearchStrategy[Any]:
    """Give what may stand in a column."""
    if isinstance(field, BooleanField):
        return st.integers(0, 1)
    if isinstance(field, BlobField):
        return st.binary(max_size=20)
    if isinstance(field, AutoField):
        return st.integers(1, 2**53)
    if isinstance(field, IntegerField):
        return st.integers(-(2**63), 2**63 - 1)
    return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def _rows_of(table: type[Model]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Give rows that differ in all that has to differ."""
    fields = table._meta.sorted_fields
    cells = [st.none() | _cells(field) if field.null else _cells(field) for field in fields]
    unique = [
        (lambda row, place=place: row[place])
        for place, field in enumerate(fields)
        if field.unique or field.primary_key
    ]
    indexed = [
        (lambda row, places=places: tuple(row[place] for place in places))
        for places in _together(table)
    ]
    return st.lists(st.tuples(*cells), max_size=12, unique_by=(*unique, *indexed))


def _together(table: type[Model]) -> Iterator[list[int]]:
    """Give the columns that have to differ together."""
    names = [field.name for field in table._meta.sorted_fields]
    keys = [key.name for key in table._meta.get_primary_keys()]
    yield [names.index(name) for name in keys]
    if table._meta.table_name == "devices":
        yield from ([names.index("imei")], [names.index("imei2")], [names.index("serial_number")])
    if table._meta.table_name == "attribute_names":
        yield [names.index("profile"), names.index("name")]


CONTENT = st.fixed_dictionaries(
    {table: _rows_of(table) for table in TABLES if table._meta.table_name != "counters"}
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite file with all tables."""
    path = tmp_path_factory.mktemp("empty") / "roll.db"
    SqliteStore(path).close()
    return path


class _BrokenOffError(Exception):
    pass


@settings(max_examples=25, suppress_health_check=[*HealthCheck])
@given(content=CONTENT, breaks=st.lists(st.integers(1, len(TABLES) - 1), max_size=4))
def test_any_rows_arrive_once_however_often_it_is_broken_off(
    content: dict[type[Model], list[tuple[Any, ...]]],
    breaks: list[int],
    empty: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = shutil.copy(empty, folder / "roll.db")
    with closing(sqlite3.connect(path)) as database, database:
        for table, given_rows in content.items():
            places = ", ".join("?" * len(table._meta.sorted_fields))
            insert = f"INSERT INTO {table._meta.table_name} VALUES ({places})"
            database.executemany(insert, given_rows)
    source = f"sqlite:///{path}"
    name = DATABASES.server.create()
    try:
        moved = DATABASES.server.url(name)
        with pytest.MonkeyPatch.context() as patches:
            patches.setattr(copy_rows, "BATCH_ROWS", 2)
            patches.setattr(copy_rows, "_AT_ONCE", 2)
            for steps in breaks:
                with pytest.raises(_BrokenOffError):
                    _copy(source, moved, _break_after(steps))
            _copy(source, moved)
        assert rows(moved) == rows(source)
        back = f"sqlite:///{folder / 'back.db'}"
        _copy(moved, back)
        assert rows(back) == rows(source)
    finally:
        DATABASES.server.drop(name)


def _copy(source: str, target: str, told: Callable[[CopyStep], None] = lambda _: None) -> None:
    copy(place(source, Path()), place(target, Path()), told)


def _break_after(steps: int) -> Callable[[CopyStep], None]:
    left = iter(range(steps))

    def told(_: CopyStep) -> None:
        if next(left, None) is None:
            raise _BrokenOffError

    return told
