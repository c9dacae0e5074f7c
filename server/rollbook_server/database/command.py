"""`rollbook database status` and `upgrade`: whether a database fits this program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import facts, say, show, show_json
from rollbook.cli.session import Session, with_session
from rollbook_server.database.copy_command import copy
from rollbook_server.database.places import chosen, place_options, told
from rollbook_server.storage import migrating
from rollbook_server.storage.migrating import SchemaState
from rollbook_server.storage.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MEANINGS = {
    SchemaState.EMPTY: "there is no roll in it yet",
    SchemaState.CURRENT: "up to date",
    SchemaState.OLDER: "to be upgraded: by the next start of a server, or `rollbook database "
    "upgrade`",
    SchemaState.NEWER: "written by a newer Rollbook",
    SchemaState.UNFINISHED_COPY: "the beginning of a copy of another database: give the same "
    "`rollbook database copy` again",
}


@click.group()
def database() -> None:
    """Look at a server's database, upgrade it, or copy it into another one.

    These commands open the database themselves and call no server.
    """


@database.command()
@place_options
@with_session
def status(session: Session, /, *, database: str, data_dir: Path | None) -> ExitCode:
    """Tell which schema a database has, and what is to be done to it.

    Changes nothing, and may be asked while a server runs. Exits with 9 unless the schema is
    that of this program.
    """
    where = chosen(database, data_dir)
    with told(), where.looked_at() as opened:
        found = migrating.look(opened)
    document: Mapping[str, object] = {
        "engine": where.engine,
        "database": where.name,
        "state": found.state,
        "schema_version": found.version,
        "program_version": SCHEMA_VERSION,
        "pending": found.pending,
        "unknown": found.unknown,
    }
    if session.wants_json:
        show_json(document)
    else:
        _show_status(document, found.state)
    return ExitCode.DONE if found.state is SchemaState.CURRENT else ExitCode.OUTDATED


def _show_status(document: Mapping[str, object], state: SchemaState) -> None:
    lines = {
        "Engine": document["engine"],
        "Database": document["database"],
        "State": _MEANINGS[state],
        "Schema": document["schema_version"] or None,
        "This program's": document["program_version"],
    }
    steps = {"Pending": document["pending"], "Unknown here": document["unknown"]}
    show(facts({**lines, **{name: _joined(each) for name, each in steps.items() if each}}))


@database.command()
@place_options
@with_session
def upgrade(session: Session, /, *, database: str, data_dir: Path | None) -> None:
    """Bring the schema of a database up to date, or make an empty one ready.

    All in one transaction: interrupted or killed, it leaves what was there. A server does the
    same at its start, unless it is told --no-upgrade. Stop servers of the older version first:
    they do not know the new schema.
    """
    where = chosen(database, data_dir)
    with told():
        steps = where.upgraded()
    if session.wants_json:
        show_json({"database": where.name, "schema_version": SCHEMA_VERSION, "steps": steps})
    elif steps:
        say(f"{where.name} now has schema {SCHEMA_VERSION}; done: {_joined(steps)}.")
    else:
        say(f"{where.name} has schema {SCHEMA_VERSION}; there was nothing to upgrade.")


def _joined(steps: object) -> str:
    return ", ".join(steps) if isinstance(steps, list | tuple) else str(steps)


database.add_command(copy)
