"""ListProfiles over a million devices against the same of profiles that are empty."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.line import Line
from benchmarks.servers import fresh_server
from rollbook import DeviceRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook import AdminClient

PROFILES = 1_000
DEVICES = 1_000  # of each profile
# Of each roll in a round. A list takes a twentieth of a second: whatever else the machine
# does moves the median of five by more than the two differ.
LISTS = 10


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """List all profiles page by page, of a full roll and of an empty one in turn."""
    folder = folder / "profiles"
    folder.mkdir()
    with (
        fresh_server(folder / "empty") as bare,
        bare.admin() as empty,
        fresh_server(folder / "full") as filled,
        filled.admin() as full,
    ):
        _fill(empty, devices=0)
        _fill(full, devices=DEVICES)
        taken = [(_seconds(full), _seconds(empty)) for _ in range(rounds * LISTS)]
    over_full, over_empty = (statistics.median(column) for column in zip(*taken, strict=True))
    yield Line("ListProfiles, 1,000,000 devices / none", over_full / over_empty, "<= 1.1 times")


def _fill(admin: AdminClient, devices: int) -> None:
    for number in range(PROFILES):
        profile = admin.create_profile(f"Profile {number}").profile_id
        first = number * devices
        rows = [DeviceRow(imei=f"35{first + other:012}") for other in range(devices)]
        if rows:
            admin.upload_rows(profile, rows)


def _seconds(admin: AdminClient) -> float:
    begun = time.perf_counter()
    assert len(list(admin.list_profiles())) == PROFILES
    return time.perf_counter() - begun
