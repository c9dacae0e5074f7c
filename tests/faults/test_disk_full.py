"""No room on the disk: what was answered is kept, what is asked is answered, nothing is doubled."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook import (
    AdminClient,
    EnrollmentAgent,
    EnrollOutcome,
    ResourceExhaustedError,
    UploadState,
)
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain.upload_limits import UploadLimits
from rollbook_server.storage.store import RESERVE_BYTES
from running import ServerProcess, read_key
from uploads.wire import ROLL, core, device, imei, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import Upload
    from running import Server

ROWS = 30_000  # several megabytes of database
DISK = 16 * 1024 * 1024 + RESERVE_BYTES
ROOM = 1024 * 1024 + RESERVE_BYTES  # what is left of the disk when the upload begins
OF_LIMITS = UploadLimits(batch_rows=500)


def write_rows(path: Path) -> Path:
    lines = (f"{imei(n)},SN{n:09},HTC,Site {n % 97}\n" for n in range(ROWS))
    path.write_text("imei,serial number,manufacturer,site\n" + "".join(lines))
    return path


def upload(admin: AdminClient, profile: str, path: Path) -> Upload:
    return admin.upload_devices(profile, path, upload_id="u")


def check_refused(admin: AdminClient, profile: str, path: Path) -> Upload:
    """Upload into a full disk; what is committed of it is on the roll, and can be read."""
    with pytest.raises(ResourceExhaustedError) as refused:
        upload(admin, profile, path)
    assert refused.value.reason == "STORE_FULL"
    left = admin.get_upload("u")
    assert left.state is UploadState.OPEN
    assert left.created_count == left.committed_rows == admin.get_profile(profile).device_count
    assert 0 < left.committed_rows < ROWS
    assert next(iter(admin.list_devices(profile))).imei == core(0)
    return left


def check_once(database: Path) -> None:
    """Every row is on the roll exactly once, and the file is whole."""
    with closing(reading(database)) as connection:
        found = [device(row) for row in connection.execute(ROLL)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert sorted((d.imei, d.line) for d in found) == [(core(n), n + 2) for n in range(ROWS)]


def allow_pages(server: Server, more: int) -> None:
    """Let the database have so many more pages than now."""

    def allow(roll: object) -> None:
        execute = roll.profiles._database.execute_sql  # type: ignore[attr-defined]
        (now,) = execute("PRAGMA page_count").fetchone()
        execute(f"PRAGMA max_page_count = {now + more}").fetchone()

    server.app._store.write(allow)


def test_while_the_database_may_not_grow_devices_enroll_and_uploads_wait(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    server, path = serve(upload_limits=OF_LIMITS), write_rows(tmp_path / "devices.csv")
    with server.admin() as admin, server.agent() as agent:
        profile = admin.create_profile("Depot", tokenless=True).profile_id
        allow_pages(server, 20)
        left = check_refused(admin, profile, path)
        check_refused(admin, profile, path)
        for number in range(left.committed_rows)[:20]:
            assert agent.enroll_device(imeis=[imei(number)]).outcome is EnrollOutcome.REGISTERED
        allow_pages(server, 10_000)
        assert upload(admin, profile, path).created_count == ROWS
        assert admin.get_profile(profile).registered_count == 20
    check_once(server.config.default_database())


class SmallDisk:
    """A server on a small file system, and what fills it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        arguments = ("faults.small_disk", str(DISK), str(folder))
        self.process = ServerProcess(folder / "data", module=arguments).start()
        self.data_dir = Path(f"/proc/{self.process.pid}/root{folder}/data")
        self._filler = self.data_dir.parent / "filler"
        self.api_key = read_key(self.data_dir)

    def fill(self, room: int) -> None:
        """Leave so many bytes."""
        free = shutil.disk_usage(self.data_dir).free
        self._filler.write_bytes(bytes(free - room))

    def make_room(self) -> None:
        self._filler.unlink()

    def copied(self, folder: Path) -> Path:
        """Copy the database, which nobody writes now, to where SQLite can open it."""
        for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal"):
            shutil.copy(self.data_dir / name, folder)
        with closing(sqlite3.connect(folder / DATABASE_NAME)) as copy:
            copy.execute("PRAGMA journal_mode = delete")
        return folder / DATABASE_NAME


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    mounted = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run(mounted, check=False).returncode:
        pytest.skip("no file system can be mounted here (unshare -rm)")
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.process.kill()


def test_a_really_full_disk_loses_nothing_and_reads_go_on(disk: SmallDisk, tmp_path: Path) -> None:
    path, address = write_rows(tmp_path / "devices.csv"), disk.process.address
    with AdminClient(address, api_key=disk.api_key) as admin, EnrollmentAgent(address) as agent:
        profile = admin.create_profile("Depot", tokenless=True).profile_id
        disk.fill(ROOM)
        check_refused(admin, profile, path)
        enrolled = [agent.enroll_device(imeis=[imei(n)]).outcome for n in range(20)]
        assert set(enrolled) == {EnrollOutcome.REGISTERED}  # in the room of what was undone
        disk.make_room()
        assert upload(admin, profile, path).created_count == ROWS
        assert admin.get_profile(profile).registered_count == 20
    check_once(disk.copied(tmp_path))
