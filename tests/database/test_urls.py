"""A URL that names no database is told of without the password in it, and is no bug."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from database.conftest import url
from databases import POSTGRESQL
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.storage.opening import check_url, shown

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli

WRONG = [
    "postgresql://me:s3c/ret@127.0.0.1:1/roll",
    "postgresql://me:s3c#ret@127.0.0.1:1/roll",
    "postgresql://me:s3c?ret@127.0.0.1:1/roll",
    "postgresql://me:s3c@ret@127.0.0.1:1/roll",
    "postgresql://me:s3c[ret@127.0.0.1:1/roll",
    "postgresql://me:s3c%ret@127.0.0.1:1/roll",
    "postgresql://me:s3c ret@127.0.0.1:1/roll",
    "postgresql://me@127.0.0.1:1/roll?sslpassword=s3c ret",
    "postgresql://me:s3cret@127.0.0.1:1",
    "postgresql://me:s3cret@127.0.0.1:1/roll?color=blue",
    "postgresql://127.0.0.1:1/?password=s3cret",
    "mysql://me:s3cret@127.0.0.1/roll",
]


def check_told(code: int, said: str) -> None:
    """See that it is told as what it is, and nothing of the password with it."""
    assert code in (ExitCode.USAGE, ExitCode.REFUSED)
    assert "bug" not in said
    for part in ("s3c", "ret@", "ret'"):
        assert part not in said
    assert "postgresql://USER@HOST/" in said or "%40" in said


@pytest.mark.parametrize("wrong", WRONG)
def test_the_password_is_not_told(wrong: str, command: Cli, tmp_path: Path) -> None:
    free = ("--listen", "127.0.0.1:0")
    for arguments in (
        ("serve", *free, "--data-dir", tmp_path / "data", "--database", wrong),
        ("database", "status", "--database", wrong),
        ("database", "upgrade", "--database", wrong),
        ("database", "copy", "--from", wrong, "--to", f"sqlite:///{tmp_path}/to.db"),
        ("database", "copy", "--from", f"sqlite:///{tmp_path}/from.db", "--to", wrong),
    ):
        ended = command(*arguments)
        check_told(ended.code, ended.out + ended.err)


@pytest.mark.parametrize(
    "right",
    [
        "postgresql://me:s%40c%2Fret@db1:5432,db2:5433/roll?user=me@server",
        "postgresql:///roll?host=/run/postgresql",
        "postgres://me@[::1]:5432/roll",
    ],
)
def test_what_only_looks_odd_is_taken(right: str) -> None:
    check_url(right)


def test_what_is_shown_of_a_url_holds_no_password() -> None:
    assert shown("postgresql://me:a@b@host/roll") == "postgresql://...@host/roll"
    assert (
        shown("postgresql://host/roll?password=x&a=b") == "postgresql://host/roll?password=...&a=b"
    )
    secrets = "sslpassword=x&oauth_client_secret=x&scram_client_key=x&scram_server_key=x"
    assert shown(f"postgresql://host/roll?{secrets}") == (
        f"postgresql://host/roll?{secrets.replace('=x', '=...')}"
    )
    assert shown("sqlite:///roll.db") == "sqlite:///roll.db"


def test_a_database_is_named_as_its_url_names_it(tmp_path: Path, command: Cli) -> None:
    where = url(tmp_path / "data", POSTGRESQL)
    ended = command("database", "status", "--database", where, "--output", "json")
    (folder, name) = where.partition("?host=")[2], where.partition("?")[0].rpartition("/")[2]
    assert ended.document["database"] == f"postgresql://rollbook@{folder}/{name}"
    port = where.replace("@/", "@:5432/")
    ended = command("database", "status", "--database", port, "--output", "json")
    assert ended.document["database"] == f"postgresql://rollbook@{folder}:5432/{name}"
