"""What became of rows and enrollments, counted in the database that is the primary now."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from faults.reckoning import Findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults_postgres.members import Member
    from faults_postgres.storm import Told
    from rollbook import AdminClient

_ROWS = """
SELECT d.imei, d.source_row, d.attributes FROM devices d JOIN uploads u ON u.id = d.upload
WHERE u.upload_id = %s
"""
_REGISTERED = "SELECT imei, 'dev-' || id FROM devices WHERE register_time IS NOT NULL"
_FIRST_TIMES = """
SELECT d.imei, e.device_id FROM audit_events e JOIN devices d ON 'dev-' || d.id = e.device_id
WHERE e.action = 'EnrollDevice' AND e.reason = 'DONE' AND position('again' IN e.details) = 0
"""
_USES = """
SELECT t.use_count FROM tokens t JOIN profiles p ON p.id = t.profile WHERE p.profile_id = %s
"""
_WRONG_COUNTERS = """
SELECT p.profile_id, p.pending_count, p.registered_count, count(d.id), count(d.register_time)
FROM profiles p LEFT JOIN devices d ON d.profile = p.id GROUP BY p.id
HAVING p.pending_count + p.registered_count <> count(d.id)
    OR p.registered_count <> count(d.register_time)
"""
_SUMMARY = 3  # of what is found, so many are named


Rows: TypeAlias = "Sequence[tuple[str, int, str]]"
"""The devices of an upload: IMEI, number of the row, attributes."""


class Tally(Findings):
    """Findings of long lists: says how many, and names a few."""

    def compare(self, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        """Note what the two have not in common."""
        missing, extra = expected - found, found - expected
        self.lost += missing.total()
        self.doubled += extra.total()
        for word, some in (("missing", missing), ("too many", extra)):
            if some:
                self.faults.append(f"{what}: {some.total()} {word}: {list(some)[:_SUMMARY]}")


def check_upload(primary: Member, upload_id: str, rows: Rows, tally: Tally) -> None:
    """Compare the devices of an upload with its rows: IMEI, number, attributes."""
    found = Counter(primary.query(_ROWS, parameters=[upload_id]))
    tally.compare(f"rows of {upload_id}", Counter(rows), found)


def check_enrollments(primary: Member, profile_id: str, told: Told, tally: Tally) -> None:
    """Compare what agents were told with what is registered, counted and in the audit log."""
    registered = Counter(primary.query(_REGISTERED))
    missing = Counter(told.devices.items()) - registered
    tally.compare("acknowledged devices", missing, Counter())
    tally.compare("events of registrations", registered, Counter(primary.query(_FIRST_TIMES)))
    [(uses,)] = primary.query(_USES, parameters=[profile_id])
    # Of an enrollment that was given up nobody knows whether it counts.
    expected = max(told.acknowledged, min(uses, told.acknowledged + told.given_up))
    tally.compare("uses of the token", Counter(token=expected), Counter(token=uses))


def check_whole(primary: Member, admin: AdminClient, tally: Tally) -> int:
    """Check counters and the audit log; gives how many events that has."""
    for row in primary.query(_WRONG_COUNTERS):
        tally.faults.append(f"profile, its counters, what is there: {row}")
    check = admin.verify_audit_log()
    tally.check(f"the audit log is broken: {check.first_break}", holds=check.first_break is None)
    return check.checked_count
