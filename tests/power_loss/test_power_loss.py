"""A loss of power takes nothing that was answered; the long run is `make power-loss`."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest

from power_loss import recording
from power_loss.disk import Disk
from power_loss.recording import Entry
from power_loss.run import lose

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def _recording() -> None:
    if not recording.can_record():
        assert not os.environ.get("CI"), recording.MISSING
        pytest.skip(recording.MISSING)


@pytest.mark.usefixtures("_recording")
def test_what_was_answered_is_there_after_a_loss_of_power(tmp_path: Path) -> None:
    report = lose(tmp_path, "synced", uses=6, moments=40, seed=1)
    assert report.told > 100
    assert report.is_good, report.lines()


@pytest.mark.usefixtures("_recording")
def test_a_server_that_does_not_sync_is_found_out(tmp_path: Path) -> None:
    report = lose(tmp_path, "unsynced", uses=6, moments=40, seed=1)
    assert report.findings.lost


def disk_after(*entries: Entry) -> list[bytes]:
    """Give the file with nothing and with all of what was not synced."""
    disk = Disk()
    for entry in entries:
        disk.follow(entry)
    return [disk.left("f", kept, Random(1)) for kept in (0.0, 1.0)]


def written(place: int, data: bytes) -> Entry:
    return Entry("W", "f", place, data)


def begun(number: int) -> Entry:
    return Entry("S", "f", number, b"")


def ended(number: int) -> Entry:
    return Entry("E", "f", number, b"")


def test_a_sync_keeps_what_came_before_it_began() -> None:
    entries = [written(0, b"ab"), begun(1), written(1, b"c"), ended(1), written(3, b"d")]
    assert disk_after(*entries) == [b"ab", b"ac\0d"]


def test_of_two_syncs_at_once_each_keeps_its_own() -> None:
    entries = [written(0, b"a"), begun(1), written(1, b"b"), begun(2)]
    assert disk_after(*entries, ended(2)) == [b"ab", b"ab"]
    assert disk_after(*entries, ended(2), ended(1)) == [b"ab", b"ab"]
    assert disk_after(*entries, ended(1)) == [b"a", b"ab"]


def test_a_file_that_was_cut_is_so_once_that_is_synced() -> None:
    cut = Entry("T", "f", 1, b"")
    entries = [written(0, b"abc"), begun(1), ended(1), cut]
    assert disk_after(*entries) == [b"abc", b"a"]
    assert disk_after(*entries, begun(2), ended(2)) == [b"a", b"a"]


def test_a_disk_stops_between_sectors() -> None:
    disk = Disk()
    disk.follow(written(0, b"x" * 4096 * 64))
    left = disk.left("f", 0.5, Random(1))
    pieces = {left[begin : begin + 4096] for begin in range(0, len(left), 4096)}
    assert pieces == {b"x" * 4096, b"\0" * 4096}
