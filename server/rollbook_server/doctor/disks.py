"""The disk that holds the data: its file system, and how much room it has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from rollbook_server.doctor.findings import ok, skipped, warning, wrong
from rollbook_server.storage.store import RESERVE_BYTES

if TYPE_CHECKING:
    from rollbook_server.doctor.findings import Finding

_FILE_SYSTEM, _ROOM, _INODES = "file system", "room", "inodes"
# Locks and shared memory of SQLite's log do not work over them (sqlite.org/wal.html).
_NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre"),
    *("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "virtiofs"),
}
_FLEETING = {"tmpfs", "ramfs", "overlay"}
_LITTLE_ROOM = 10 * RESERVE_BYTES
_FEW_INODES = 1_000
_MEGABYTE = 1_000_000
_MOUNTS = Path("/proc/self/mountinfo")


def file_system(folder: Path) -> Finding:
    """Look whether SQLite can work on the file system, and whether that outlives a restart."""
    kind = kind_of(folder)
    if not kind:
        return skipped(_FILE_SYSTEM, f"of which kind that of {folder} is cannot be told")
    if kind in _NETWORK:
        return wrong(
            _FILE_SYSTEM,
            f"{folder} is on {kind}, over which the locks of SQLite's log do not work",
            "Put the data directory onto a disk of this machine, or use PostgreSQL.",
        )
    if kind in _FLEETING:
        return warning(
            _FILE_SYSTEM,
            f"{folder} is on {kind}, which is gone with the machine or the container",
            "Put the data directory onto a disk, in a container onto a volume.",
        )
    return ok(_FILE_SYSTEM, kind)


def kind_of(folder: Path) -> str:
    """Give the kind of file system of a folder; empty if it cannot be told."""
    try:
        lines = _MOUNTS.read_text().splitlines()
    except OSError:
        return ""
    real, found = folder.resolve(), (-1, "")
    for line in lines:
        before, _, behind = line.partition(" - ")
        place = Path(before.split()[4].encode().decode("unicode_escape"))
        if real.is_relative_to(place) and len(place.parts) >= found[0]:
            found = (len(place.parts), behind.split()[0])
    return found[1]


def room(folder: Path) -> Finding:
    """Look how much room there is."""
    free = shutil.disk_usage(folder).free
    told = f"{free / _MEGABYTE:,.0f} MB free at {folder}"
    if free < RESERVE_BYTES:
        return wrong(_ROOM, told, "Uploads are answered with STORE_FULL until there is more.")
    if free < _LITTLE_ROOM:
        return warning(_ROOM, told, "Make room before uploads are answered with STORE_FULL.")
    return ok(_ROOM, told)


def inodes(folder: Path) -> Finding:
    """Look how many files can be made."""
    found = os.statvfs(folder)
    if not found.f_files:  # as btrfs has it
        return ok(_INODES, "no limit")
    told = f"{found.f_favail:,} free of {found.f_files:,}"
    if found.f_favail < _FEW_INODES:
        advice = f"Remove files: df -i {folder} shows the disk."
        return (warning if found.f_favail else wrong)(_INODES, told, advice)
    return ok(_INODES, told)
