"""Brings the schema of an older database up to date, by steps that are done once each.

The steps are files in `migrations`, run by peewee's own runner, which notes each in a table
of the database. Ours is the transaction: one around all that is pending, in which nobody
else can be, so that a program killed in the middle leaves the old schema and the next one
does it all. In SQLite the server's file lock keeps others out, in PostgreSQL the row that
every transaction that writes locks first.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from playhouse.migrations import Runner

from rollbook_server.storage import schema
from rollbook_server.storage.copy_positions import CopyPositionTable
from rollbook_server.storage.schema import SCHEMA_VERSION
from rollbook_server.storage.tables import CounterTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Model

    from rollbook_server.storage.engine import RollDatabase

_log = logging.getLogger(__name__)
# It would tell of steps of which a new database has no need, as of faked ones.
logging.getLogger("peewee.migrations").setLevel(logging.WARNING)

STEPS = Path(__file__).with_name("migrations")
_HISTORY = "schema_steps"


class SchemaError(Exception):
    """The schema is not one to serve with; the text says why and what to do."""


class SchemaState(StrEnum):
    """How the schema of a database stands to this program."""

    EMPTY = "EMPTY"
    CURRENT = "CURRENT"
    OLDER = "OLDER"
    NEWER = "NEWER"
    UNFINISHED_COPY = "UNFINISHED_COPY"


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """What is found in a database; `unknown` are steps that this program does not have."""

    state: SchemaState
    version: int
    pending: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise SchemaError unless the schema is this program's, or can be made so."""
        if self.state is SchemaState.UNFINISHED_COPY:
            raise SchemaError(
                "The database holds the beginning of a copy of another one. Give the same "
                "`rollbook database copy` again, which goes on with it."
            )
        if self.state is SchemaState.NEWER:
            steps = f" ({', '.join(self.unknown)})" if self.unknown else ""
            raise SchemaError(
                f"The database has schema {self.version}{steps}, this program knows "
                f"{SCHEMA_VERSION}: it was written by a newer Rollbook. Start that one."
            )


def look(database: RollDatabase) -> SchemaStatus:
    """Find out how the schema stands; changes nothing."""
    tables = frozenset(database.get_tables())
    if _name(CopyPositionTable) in tables:
        return SchemaStatus(SchemaState.UNFINISHED_COPY, 0)
    version = schema.version(database) if _name(CounterTable) in tables else 0
    if not version:
        return SchemaStatus(SchemaState.EMPTY, 0)
    steps = _runner(database).status()
    unknown = tuple(step.name for step in steps if step.path is None)
    if version > SCHEMA_VERSION or unknown:
        return SchemaStatus(SchemaState.NEWER, version, unknown=unknown)
    pending = tuple(step.name for step in steps if step.idx > version)
    state = SchemaState.OLDER if version < SCHEMA_VERSION else SchemaState.CURRENT
    return SchemaStatus(state, version, pending)


def is_ready(database: RollDatabase, *, may_upgrade: bool) -> bool:
    """Tell whether the schema is up to date.

    Raises SchemaError if it cannot be upgraded, or has to be and may not.
    """
    status = look(database)
    status.check()
    if status.state is SchemaState.CURRENT:
        return True
    if not may_upgrade:
        found = (
            f"has schema {status.version}, this program needs {SCHEMA_VERSION}"
            if status.version
            else "has no tables yet"
        )
        raise SchemaError(
            f"The database {found}: run `rollbook database upgrade`, or start the server without "
            "--no-upgrade."
        )
    return False


def upgrade(database: RollDatabase) -> Sequence[str]:
    """Bring the schema up to date, or make it; gives the names of the steps done.

    To be called within a transaction that nobody else can be in. Raises SchemaError
    if the schema is newer.
    """
    status = look(database)
    status.check()
    runner = _runner(database)
    if status.state is SchemaState.EMPTY:
        _check_free(database)
        schema.create(database)
        runner.fake()
        return ()
    _note_steps_of_before(runner, status.version)
    done: Sequence[str] = runner.up()
    schema.note_version(database, SCHEMA_VERSION)
    if done:
        _log.info("the schema of the database is brought up to date: %s", ", ".join(done))
    return done


def _check_free(database: RollDatabase) -> None:
    """Raise SchemaError where tables of others, or a part of a roll, would be taken for ours."""
    ours = {_name(table) for table in schema.TABLES}
    taken = sorted(ours.intersection(database.get_tables()))
    if taken:
        raise SchemaError(
            f"The database is not empty, and holds no roll: it has tables of other programs, or a "
            f"part of a roll, under names of ours: {', '.join(taken)}. Give Rollbook a database "
            "of its own, or restore this one from a backup."
        )


def _runner(database: RollDatabase) -> Runner:
    runner = Runner(database, str(STEPS), table_name=_HISTORY)
    runner.migrator.transactional_ddl = False  # ours is the transaction
    return runner


def _note_steps_of_before(runner: Runner, version: int) -> None:
    """Note the steps that led to a schema while nobody noted them."""
    known = [step.name for step in runner.migrations() if step.idx <= version]
    if known:
        runner.fake(known[-1])


def _name(table: type[Model]) -> str:
    return str(table._meta.table_name)  # noqa: SLF001 - peewee's reflection
