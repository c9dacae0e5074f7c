"""When the log goes into the file of the database, if work leaves no time for it."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from rollbook_server.storage import writer
from rollbook_server.storage.store import SqliteStore
from rollbook_server.storage.writer import Writer
from storage.works import add

if TYPE_CHECKING:
    from pathlib import Path

FOR_EVER = 3_600.0  # seconds


@pytest.mark.parametrize("is_shared", [True, False])
def test_the_log_takes_turns_with_bulk_work_while_others_share_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_shared: bool
) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", FOR_EVER)
    monkeypatch.setattr(writer, "SHARED_TURNS", 3)
    monkeypatch.setattr(Writer, "is_shared", lambda _: is_shared)
    path = tmp_path / "roll.db"
    in_file = []
    with closing(SqliteStore(path)) as store:
        before = path.read_bytes()
        for number in range(3):
            store.write(partial(add, name=f"bulk {number}"), is_bulk=True)
            store.write(partial(add, name=f"small {number}"))
            store.write(lambda _: None)  # behind which the log had its turn, if it was due
            in_file.append(path.read_bytes() != before)
    assert in_file == [False, False, is_shared]
