"""What the doctor tells of the machine: room, file systems, descriptors, the clock."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rollbook_server.doctor import disks, machines, processes
from rollbook_server.doctor.findings import State

if TYPE_CHECKING:
    from pathlib import Path

    from doctor.conftest import Doctor
    from running import Server

pytestmark = pytest.mark.sqlite_only


def test_a_clock_that_was_set_back(
    filled: Server, folder: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor("--data-dir", folder)["clock"][0] == "OK"
    for now in (filled.clock() - timedelta(hours=1), datetime(1970, 1, 2, tzinfo=UTC)):
        monkeypatch.setattr("rollbook_server.domain.clock.now", lambda now=now: now)
        state, told = doctor("--data-dir", folder)["clock"]
        assert (state, "time servers" in told) == ("WRONG", True)


def test_little_room(folder: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(folder)
    for free, state in ((1_000_000, "WRONG"), (100_000_000, "WARNING"), (10**12, "OK")):
        left = usage._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, left=left: left)
        assert doctor("--data-dir", folder)["room"][0] == state


@pytest.mark.parametrize(
    ("kind", "state"),
    [("nfs4", State.WRONG), ("tmpfs", State.WARNING), ("ext4", State.OK), ("xfs", State.OK)],
)
def test_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, state: State
) -> None:
    mounts = tmp_path / "mountinfo"
    (tmp_path / "with blank").mkdir()
    place = str(tmp_path / "with blank").replace(" ", "\\040")
    lines = ("1 0 8:1 / / rw - ext4 /dev/a rw", f"2 1 8:2 / {place} rw shared:1 - {kind} b rw")
    mounts.write_text("\n".join(lines))
    monkeypatch.setattr(disks, "_MOUNTS", mounts)
    assert disks.file_system(tmp_path / "with blank").state is state
    assert disks.file_system(tmp_path).state is State.OK
    monkeypatch.setattr(disks, "_MOUNTS", tmp_path / "none")
    assert disks.file_system(tmp_path).state is State.SKIPPED


@pytest.mark.parametrize(
    ("limit", "state"), [(512, State.WRONG), (4_096, State.WARNING), (65_536, State.OK)]
)
def test_descriptors(monkeypatch: pytest.MonkeyPatch, limit: int, state: State) -> None:
    monkeypatch.setattr(processes, "descriptor_limit", lambda _: limit)
    assert machines.descriptors(1).state is state
