"""Loses power at random moments of a record, and looks at what is then on the disk."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from faults.reckoning import Findings, check_counters
from power_loss.disk import Disk
from rollbook_server.config import DATABASE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from power_loss.recording import Entry

LOG_NAME = f"{DATABASE_NAME}-wal"
# Of what was not synced, the disk kept nothing, half, or nearly all.
_KEPT = (0.0, 0.5, 0.95)

_UPLOADS = """
SELECT u.upload_id, u.state, u.committed_rows, u.created_count, count(d.id)
FROM uploads u JOIN profiles p ON p.id = u.profile LEFT JOIN devices d ON d.upload = u.id
GROUP BY u.id
"""
_ENDS = "SELECT e.sequence FROM audit_end e JOIN audit_events USING (sequence, digest)"


@dataclass
class Told:
    """What clients had been told by some moment; `rows` of uploads that are there to stay."""

    enrolled: set[str] = field(default_factory=set)
    rows: Counter[str] = field(default_factory=Counter)
    complete: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def add(self, mark: dict[str, Any]) -> None:
        """Take in a mark."""
        match mark:
            case {"enrolled": imei}:
                self.enrolled.add(imei)
            case {"going": upload_id}:
                del self.rows[upload_id]
            case {"gone": profile_id}:
                self.gone.add(profile_id)
            case {"upload": upload_id, "rows": rows}:
                self.rows[upload_id] = max(self.rows[upload_id], rows)
            case {"complete": upload_id, "rows": rows}:
                self.complete.add(upload_id)
                self.rows[upload_id] = rows


@dataclass
class Report:
    """How often power was lost, and what was wrong then."""

    images: int = 0
    told: int = 0
    findings: Findings = field(default_factory=Findings)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was wrong."""
        return not self.findings.lost and not self.findings.faults

    def lines(self) -> list[str]:
        """Give what a person reads."""
        found = self.findings
        counted = f"{found.lost} answers lost, {len(found.faults)} faults"
        return [
            f"{self.images} disks after a loss of power, {self.told} answers: {counted}",
            *(f"  {fault}" for fault in found.faults[:10]),
        ]


def lose(entries: Sequence[Entry], folder: Path, moments: int, seed: int) -> Report:
    """Lose power at so many moments, three disks each."""
    chance, disk, told, report = Random(seed), Disk(), Told(), Report()
    first = next(at for at, entry in enumerate(entries) if entry.what == "M")
    chosen = set(chance.sample(range(first, len(entries)), min(moments, len(entries) - first)))
    for at, entry in enumerate(entries):
        if at in chosen:
            _look(disk, told, folder, chance, report)
        if entry.what == "M":
            told.add(entry.mark)
            report.told += 1
        else:
            disk.follow(entry)
    return report


def _look(disk: Disk, told: Told, folder: Path, chance: Random, report: Report) -> None:
    for kept in _KEPT:
        database = folder / DATABASE_NAME
        for name in (DATABASE_NAME, LOG_NAME):
            (folder / name).write_bytes(disk.left(name, kept, chance))
        try:
            _check(database, told, report.findings)
        except sqlite3.DatabaseError as error:
            report.findings.faults.append(f"the database cannot be read: {error}")
        report.images += 1


def _check(database: Path, told: Told, findings: Findings) -> None:
    """Recover as SQLite does when it opens the file, and compare."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        findings.check(f"integrity_check: {found}", holds=found == [("ok",)])
        _check_told(connection, told, findings)
        ended = connection.execute(_ENDS).fetchall()
        findings.check("the audit log has no end", holds=len(ended) == 1)
        check_counters(database, findings)


def _check_told(connection: sqlite3.Connection, told: Told, findings: Findings) -> None:
    names = {name for (name,) in connection.execute("SELECT profile_id FROM profiles")}
    findings.compare("profiles that came back", Counter(told.gone & names), Counter())
    registered = connection.execute("SELECT imei FROM devices WHERE register_time IS NOT NULL")
    missing = told.enrolled - {imei for (imei,) in registered}
    findings.compare("enrollments", Counter(missing), Counter())
    _check_uploads(connection, told, findings)


def _check_uploads(connection: sqlite3.Connection, told: Told, findings: Findings) -> None:
    found = Counter[str]()
    for upload_id, state, committed, created, devices in connection.execute(_UPLOADS):
        found[upload_id] = committed
        agrees = committed == created == devices
        findings.check(f"{upload_id}: {committed}, {created}, {devices} rows", holds=agrees)
        is_open = state != "FINISHED" and upload_id in told.complete
        findings.check(f"{upload_id} is complete no more", holds=not is_open)
    findings.compare("rows of uploads", told.rows - found, Counter())
