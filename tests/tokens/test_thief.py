"""Somebody who has the database, and may even write to it, and has no key file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import DeviceRow, EnrollOutcome, RollbookError
from rollbook_server.config import DATABASE_NAME
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server


def change(server: Server, sql: str, *values: object) -> None:
    path = server.data_dir / DATABASE_NAME
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as database:
        assert database.execute(sql, values).rowcount > 0


@pytest.mark.sqlite_only  # whose file is written to
@pytest.mark.parametrize("column", ["sealed_value", "digest"])
def test_values_that_changed_rows_are_not_revealed(
    server: Server, admin: AdminClient, column: str
) -> None:
    """A token's digest may be moved, and then another profile opens; it reveals nothing."""
    mine, other = (admin.create_profile(name).profile_id for name in ("Mine", "Other"))
    values = {key: admin.reveal_token(key) for key in (mine, other)}
    ids = [admin.get_token(key).token_id for key in (mine, other)]
    with closing(sqlite3.connect(server.data_dir / DATABASE_NAME)) as database:
        rows = [
            database.execute(f"SELECT {column} FROM tokens WHERE token_id = ?", (each,)).fetchone()
            for each in ids
        ]
    sql = f"UPDATE tokens SET {column} = ? WHERE token_id = ?"
    change(server, sql, b"between", ids[0])
    change(server, sql, rows[0][0], ids[1])
    change(server, sql, rows[1][0], ids[0])

    for profile_id in (mine, other):
        if column == "digest":
            assert admin.reveal_token(profile_id) == values[profile_id]
            continue
        for reveal in (admin.reveal_token, admin.generate_qr_code):
            with pytest.raises(RollbookError) as caught:
                reveal(profile_id)
            assert (caught.value.reason, caught.value.code) == (
                "TOKEN_UNREADABLE", "FAILED_PRECONDITION",
            )  # fmt: skip
            assert not set(values.values()) & {caught.value.message}


def test_a_value_never_reaches_the_database_not_even_to_be_looked_up(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what can be timed is the comparison of keyed digests, which nobody can choose."""
    profile_id = admin.create_profile("Depot").profile_id
    admin.create_devices(profile_id, [DeviceRow(imei(1))])
    asked: list[str] = []

    def watch(database: Any) -> None:
        run = database.execute_sql

        def execute(sql: str, parameters: Sequence[object] | None = None, *more: Any) -> Any:
            asked.append(f"{sql} {parameters!r}".upper())
            return run(sql, parameters, *more)

        monkeypatch.setattr(database, "execute_sql", execute)

    store = server.app._store
    watch(store._database)
    watch(store._readers)
    value = admin.reveal_token(profile_id)
    told = [
        agent.enroll_device(token=token, imeis=[imei(1)]).outcome
        for token in (value, value.lower(), value[:-1] + "?")
    ]
    admin.refresh_token(profile_id)

    assert told == [EnrollOutcome.REGISTERED] * 2 + [EnrollOutcome.SIGN_IN_REQUIRED]
    assert any("FROM TOKENS" in each for each in asked)
    for form in (value, value.replace("-", ""), value.replace("-", "")[:10]):
        assert not [each for each in asked if form in each]
