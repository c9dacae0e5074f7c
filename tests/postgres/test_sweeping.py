"""Sweeping up after uploads, where PostgreSQL takes a table that is full for empty."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from rollbook_server.domain import uploads
from rollbook_server.domain.leftovers import PIECE
from rollbook_server.domain.upload_options import OnInvalidRow, UploadOptions
from rollbook_server.storage.postgres.store import PostgresStore
from storage.works import NOW, add, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer
    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.roll_store import RollStore

TABLES = ("staged_rows", "upload_claims")
SCANS = """
SELECT sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0)) FROM pg_stat_xact_user_tables
WHERE relname IN ('staged_rows', 'upload_claims')
"""


@pytest.fixture
def store(postgres: PostgresServer, name: str) -> Iterator[RollStore]:
    with closing(PostgresStore(postgres.url(name), lambda text: text.encode())) as store:
        yield store


def leave(store: RollStore, upload_id: str) -> None:
    """Leave what a strict upload of two pieces leaves that is discarded before its end."""

    def fill(roll: Roll) -> None:
        add(roll, "a")
        options = UploadOptions(upload_id, "prf-a", on_invalid_row=OnInvalidRow.FAIL)
        uploads.open_upload(roll, options, NOW)
        rows = rows_of(1, 2 * PIECE)
        roll.uploads.stage(upload_id, rows)
        roll.uploads.claim(upload_id, {row.imei: row.line for row in rows})

    store.write(fill)
    store.write(lambda roll: roll.uploads.discard(upload_id, NOW))


def sweep(roll: Roll) -> tuple[bool, int]:
    """Sweep up a piece; gives how often the tables were gone into for that, too."""
    database = roll.leftovers._database  # type: ignore[attr-defined]
    before = database.execute_sql(SCANS).fetchone()[0]
    goes_on = roll.leftovers.sweep(PIECE)
    return goes_on, database.execute_sql(SCANS).fetchone()[0] - before


def test_a_table_that_was_empty_when_it_was_looked_at_is_swept_by_ranges(
    store: RollStore, postgres: PostgresServer, name: str
) -> None:
    leave(store, "first")
    while store.write(sweep)[0]:
        pass
    for table in TABLES:
        postgres.change(name, f"ANALYZE {table}")
    leave(store, "second")
    pieces = [store.write(sweep) for _ in range(3)]
    assert [goes_on for goes_on, _ in pieces] == [True, True, False]
    assert max(scans for _, scans in pieces) < 20
