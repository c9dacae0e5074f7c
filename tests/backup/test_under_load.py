"""Backups of a server at work: each holds all that was acknowledged before it, and is whole."""

from __future__ import annotations

import io
import os
import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from backup import load, programs
from backup.load import Ledger, Load
from faults import reckoning
from faults.reckoning import Findings
from rollbook import EnrollmentAgent, EnrollOutcome, UploadState
from rollbook_server.backup.taking import take
from rollbook_server.config import DATABASE_NAME
from rollbook_server.storage.sqlite import backups
from running import ServerProcess
from uploads.wire import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook_server.storage.sqlite.backups import BackupStep

pytestmark = pytest.mark.sqlite_only

BACKUPS = int(os.environ.get("BACKUPS", "3"))
PAUSES = 12  # steps of the slow backup, each of which waits for devices to register


@pytest.fixture
def working(process: ServerProcess) -> Iterator[Load]:
    """Give a server at work, whose roll is larger than what a backup copies in one step."""
    with process.admin() as admin:
        profile = admin.create_profile("Depot", tokenless=True)
    with Load(process, profile.profile_id) as working:
        working.await_registered(60)
        yield working


def check(folder: Path, before: Ledger, after: Ledger, profile_id: str) -> None:
    """Look at what a server has that was started on a restored backup."""
    database = folder / DATABASE_NAME
    findings = Findings()
    reckoning.check_counters(database, findings)
    assert findings.faults == []
    with closing(reading(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = dict(connection.execute("SELECT imei, register_time NOTNULL FROM devices"))
    assert before.devices - after.leaving <= set(found)
    assert before.registered <= {imei for imei, registered in found.items() if registered}
    assert not before.deleted & set(found)

    served = ServerProcess(folder).start()
    try:
        with served.admin() as admin:
            checked = admin.verify_audit_log()
            assert (checked.first_break, checked.checked_count > 0) == (None, True)
            assert admin.get_profile(profile_id).device_count == len(found)
            for upload in admin.list_uploads(profile_id):
                if upload.state is UploadState.OPEN:
                    source = partial(io.BytesIO, load.file(int(upload.upload_id[1:])))
                    again = admin.upload_devices(profile_id, source, upload_id=upload.upload_id)
                    assert again.created_count == load.ROWS
        with EnrollmentAgent(served.address) as agent:
            for imei in sorted(before.registered)[:3]:
                assert agent.enroll_device(imeis=[imei]).outcome is EnrollOutcome.REGISTERED
    finally:
        assert served.terminate() == 0


def test_every_backup_under_load_holds_what_was_acknowledged(
    process: ServerProcess, working: Load, tmp_path: Path
) -> None:
    taken = []
    for number in range(BACKUPS):
        before, file = working.ledger, tmp_path / f"{number}.db"
        programs.back_up(process.data_dir, file)
        taken.append((file, before, working.ledger))
        working.await_registered(30)
    for file, before, after in taken:
        folder = programs.new_folder(process.data_dir, file.with_suffix(""))
        done = programs.rollbook("restore", file, "--data-dir", folder)
        assert done.returncode == 0, done.stderr
        check(folder, before, after, working.profile_id)
    sizes = [len(before.registered) for _, before, _ in taken]
    assert sorted(set(sizes)) == sizes  # more from each to the next


def test_a_backup_that_takes_its_time_is_of_the_instant_at_which_it_began(
    process: ServerProcess, working: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server writes, syncs and takes its log into the file between any two steps."""
    monkeypatch.setattr(backups, "_PAGES_AT_ONCE", 8)
    file = tmp_path / "slow.db"
    file.touch(0o600)
    pauses = iter(range(PAUSES))
    began: list[Ledger] = []

    def wait(_: BackupStep) -> None:
        began.append(working.ledger)
        if next(pauses, None) is not None:
            working.await_registered(2)

    before = working.ledger
    take(process.data_dir / DATABASE_NAME, file, wait)
    assert len(began) > PAUSES
    with closing(reading(file)) as connection:
        devices = {imei for (imei,) in connection.execute("SELECT imei FROM devices")}
    assert before.devices - began[0].leaving <= devices
    # None of those that came while it went on.
    assert len(working.ledger.registered - began[0].registered) > PAUSES
    with closing(reading(file)) as connection:
        registered = {
            imei
            for (imei,) in connection.execute("SELECT imei FROM devices WHERE register_time > 0")
        }
    assert len(registered - began[0].registered) <= 1  # one may have been under way
    folder = programs.new_folder(process.data_dir, tmp_path / "slow")
    assert programs.rollbook("restore", file, "--data-dir", folder).returncode == 0
    check(folder, before, began[0], working.profile_id)


def test_a_backup_writes_neither_to_the_database_nor_to_its_log(
    process: ServerProcess, tmp_path: Path
) -> None:
    with process.admin() as admin:
        admin.create_profile("Depot")
    process.kill()  # so that the log is full, and nobody is there who could take it in
    names = (DATABASE_NAME, f"{DATABASE_NAME}-wal")
    before = [(process.data_dir / name).read_bytes() for name in names]
    assert len(before[1]) > 0
    programs.back_up(process.data_dir, tmp_path / "b.db")
    assert [(process.data_dir / name).read_bytes() for name in names] == before
    with closing(sqlite3.connect(tmp_path / "b.db")) as copy:
        assert copy.execute("SELECT name FROM profiles").fetchall() == [("Depot",)]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert not (tmp_path / "b.db-wal").exists()
