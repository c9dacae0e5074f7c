"""A server ends in the middle of an upload of ordinary size, and the client goes on.

Smaller ones, of every kind and killed at every moment, and lost clients: see `faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from databases import DATABASES, SQLITE
from rollbook import UploadState
from rollbook_server.demo.sample_csv import SampleSummary, write_sample

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook import AdminClient, UploadProgress
    from running import ServerProcess

ROWS = 25_000  # several batches, and several chunks in each


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleSummary]:
    path = tmp_path_factory.mktemp("sample") / "devices.csv"
    return path, write_sample(path, rows=ROWS)


class KillWhen:
    """Kills the server and starts it again once the upload has come so far."""

    def __init__(self, process: ServerProcess, *shares: float) -> None:
        self._process, self._shares = process, list(shares)
        self.kills = 0

    def __call__(self, progress: UploadProgress) -> None:
        total = progress.total_bytes or 1
        if self._shares and progress.sent_bytes / total >= self._shares[0]:
            self._shares.pop(0)
            self.kills += 1
            self._process.kill()
            self._process.start()


def check_roll(process: ServerProcess, admin: AdminClient, profile_id: str, good: int) -> None:
    """Every good row is on the roll exactly once, and all counts agree."""
    profile = admin.get_profile(profile_id)
    assert (profile.device_count, profile.pending_count) == (good, good)
    counted = "SELECT count(*), count(DISTINCT source_row) FROM devices"
    assert DATABASES.query(process.data_dir, counted) == [(good, good)]
    if DATABASES.engine == SQLITE:
        assert DATABASES.query(process.data_dir, "PRAGMA integrity_check") == [("ok",)]
    opened = list(admin.list_audit_events(profile_id=profile_id, action="OpenUpload"))
    assert (len(opened), admin.verify_audit_log().first_break) == (1, None)


def test_a_server_killed_twice_in_an_upload_has_every_good_row_once(
    process: ServerProcess, sample: tuple[Path, SampleSummary]
) -> None:
    path, summary = sample
    kill = KillWhen(process, 0.4, 0.8)
    with process.admin() as admin:
        profile_id = admin.create_profile("Tablets").profile_id
        upload = admin.upload_devices(profile_id, path, progress=kill)
        assert kill.kills == 2
        assert upload.state is UploadState.FINISHED
        assert upload.row_count == upload.committed_rows == ROWS
        assert upload.rejected_count == summary.bad_rows
        assert len(list(admin.list_upload_errors(upload.upload_id))) == summary.bad_rows
        check_roll(process, admin, profile_id, ROWS - summary.bad_rows)


def test_an_operator_may_stop_the_server_in_an_upload(
    process: ServerProcess, sample: tuple[Path, SampleSummary]
) -> None:
    path, summary = sample
    statuses: list[int] = []

    def stop_half_way(progress: UploadProgress) -> None:
        if not statuses and progress.sent_bytes > (progress.total_bytes or 0) / 2:
            statuses.append(process.terminate())
            process.start()

    with process.admin() as admin:
        profile_id = admin.create_profile("Tablets").profile_id
        upload = admin.upload_devices(profile_id, path, progress=stop_half_way)
        assert statuses == [0]
        assert upload.state is UploadState.FINISHED
        check_roll(process, admin, profile_id, ROWS - summary.bad_rows)
