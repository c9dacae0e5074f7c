"""Tells how PostgreSQL's own programs take a dump of a roll, and put it back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rollbook.cli.errors import CommandError
from rollbook_server.database.places import told
from rollbook_server.storage.opening import postgres_connection

if TYPE_CHECKING:
    from pathlib import Path

_APART = "Keep copies of sealing.key and admin.key apart from the dump: they are not in it."
_ABOUT_PASSWORDS = "They find the password in PGPASSFILE or PGPASSWORD."


def for_backup(url: str, file: Path) -> CommandError:
    """Give what to raise where a PostgreSQL database is to be backed up."""
    dump = _line("pg_dump", "--format=custom", f"--file={file}", f"--dbname={_connection(url)}")
    return CommandError(
        "A PostgreSQL database is backed up by PostgreSQL's own program, also while servers are "
        f"on it: it copies one state of it, all tables together. {_ABOUT_PASSWORDS}",
        reason="POSTGRESQL_HAS_ITS_OWN",
        next_step=f"{dump}\n{_APART}",
        metadata={"command": dump},
    )


def for_restore(url: str, file: Path) -> CommandError:
    """Give what to raise where a PostgreSQL database is to be put back."""
    restore = _line(
        "pg_restore",
        "--no-owner",
        "--exit-on-error",
        "--single-transaction",
        f"--dbname={_connection(url)}",
        str(file),
    )
    return CommandError(
        "A PostgreSQL database is put back by PostgreSQL's own program, into one that is new "
        f"and empty (createdb), before a server is on it. {_ABOUT_PASSWORDS}",
        reason="POSTGRESQL_HAS_ITS_OWN",
        next_step=(
            f"{restore}\nThen start the servers on it, with the sealing.key and the admin.key of "
            "that time. Tokens, API keys and passwords that were voided since the dump work again: "
            "`rollbook token revoke-all`, `rollbook key list`, `rollbook user list`."
        ),
        metadata={"command": restore},
    )


def _connection(url: str) -> str:
    """Give what the programs connect by, without a password, which all users would see."""
    with told():
        return postgres_connection(url)


def _line(*words: str) -> str:
    return shlex.join(words)
