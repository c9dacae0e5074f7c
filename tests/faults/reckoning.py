"""What became of an upload, counted in the database file and compared with a naive model."""

from __future__ import annotations

import zlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faults.plans import content, numbered
from rollbook.v1 import upload_pb2
from uploads.model import ModelRoll, Opening
from uploads.wire import ROLL, Device, device, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from faults.plans import Plan
    from faults.rounds import Uploading

# What an upload that has ended may leave behind only until it is swept up.
_LEFTOVERS = """
SELECT u.upload_id FROM uploads u WHERE u.state != 'OPEN' AND (
    EXISTS (SELECT 1 FROM staged_rows s WHERE s.upload = u.id)
    OR EXISTS (SELECT 1 FROM upload_claims c WHERE c.upload = u.id)
    OR EXISTS (SELECT 1 FROM prepared_rows c WHERE c.upload = u.id)
    OR EXISTS (SELECT 1 FROM preparations c WHERE c.upload = u.id)
    OR u.state != 'FINISHED' AND EXISTS (SELECT 1 FROM upload_ranges r WHERE r.upload = u.id)
)
"""
_WRONG_COUNTERS = """
SELECT p.profile_id, p.pending_count, p.registered_count, count(d.id) FILTER (
    WHERE d.register_time IS NULL) pending, count(d.register_time) registered
FROM profiles p LEFT JOIN devices d ON d.profile = p.id GROUP BY p.id
HAVING p.pending_count != pending OR p.registered_count != registered
"""
_FOREIGN = """
SELECT 'upload_ranges' FROM upload_ranges WHERE upload NOT IN (SELECT id FROM uploads)
UNION ALL SELECT 'upload_errors' FROM upload_errors WHERE upload NOT IN (SELECT id FROM uploads)
UNION ALL SELECT 'staged_rows' FROM staged_rows
UNION ALL SELECT 'upload_claims' FROM upload_claims
UNION ALL SELECT 'prepared_rows' FROM prepared_rows
UNION ALL SELECT 'preparations' FROM preparations
UNION ALL SELECT 'ended_profiles' FROM ended_profiles
UNION ALL SELECT 'devices' FROM devices WHERE profile NOT IN (SELECT id FROM profiles)
    OR upload NOT IN (SELECT id FROM uploads)
UNION ALL SELECT 'uploads' FROM uploads WHERE state = 'OPEN'
UNION ALL SELECT 'profile_ranges' FROM profile_ranges
    WHERE profile NOT IN (SELECT id FROM profiles)
UNION ALL SELECT 'a device in no range' FROM devices d WHERE NOT EXISTS (
    SELECT 1 FROM profile_ranges r
    WHERE r.profile = d.profile AND d.id BETWEEN r.first_id AND r.last_id)
"""
_UPLOAD = """
SELECT state, failure_reason, created_count, updated_count, unchanged_count, rejected_count,
    committed_offset, committed_rows, committed_crc32 FROM uploads WHERE upload_id = ?
"""
_ERRORS = """
SELECT e.row, e.reason FROM upload_errors e JOIN uploads u ON u.id = e.upload
WHERE u.upload_id = ?
"""
# A device without its state, for enrollments go on: profile, keys, attributes, upload, line.
Line = tuple[Any, ...]

_COUNTS = ("created", "updated", "unchanged", "rejected")
_GONE = ("discarded", "too_long")  # cut short, so that it is a matter of chance how far it came
_REFUSALS = {
    "discarded": {"UPLOAD_DISCARDED"},
    "too_long": {"UPLOAD_TOO_MANY_ROWS", "UPLOAD_FAILED"},
    "failed": {"UPLOAD_HAS_INVALID_ROWS", "UPLOAD_FAILED"},
    "": {""},
}
_STATES = {"discarded": "DISCARDED", "too_long": "FAILED", "failed": "FAILED", "": "FINISHED"}


@dataclass
class Findings:
    """What is missing, what is there too often or with other content, what else is wrong."""

    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def compare(self, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        """Note what the two have not in common."""
        missing, extra = expected - found, found - expected
        self.lost += missing.total()
        self.doubled += extra.total()
        if missing or extra:
            self.faults.append(f"{what}: missing {list(missing)}, too many {list(extra)}")

    def check(self, what: str, *, holds: bool) -> None:
        """Note what does not hold."""
        if not holds:
            self.faults.append(what)


@dataclass(frozen=True)
class Expected:
    """What the model says of an upload; `gone` if it is cut short or taken back.

    `may_stay` are devices of an upload that is gone: of these, the registered stay.
    """

    devices: Counter[Line]
    may_stay: frozenset[Line]
    errors: Counter[tuple[int, str]]
    counts: tuple[int, ...]
    ending: str


def expected(done: Uploading) -> Expected:
    """Let the model do what the plan says."""
    model = _model_before(done)
    before = _lines(model.devices)
    result = model.upload(_opening(done), numbered(done.plan))
    after = _lines(model.devices)
    ending = _ending(done.plan, failed=result.failed)
    gone = ending in _GONE
    mine = frozenset(line for line in after if line[-2] == done.upload_id)
    return Expected(
        devices=Counter(before if gone else after),
        may_stay=mine if gone else frozenset(),
        errors=Counter(result.errors),
        counts=tuple(result.counts[name] for name in _COUNTS),
        ending=ending,
    )


def _model_before(done: Uploading) -> ModelRoll:
    model = ModelRoll()
    for number, rows in enumerate(done.plan.base):
        opening = Opening(f"{done.upload_id}-base{number}", done.profiles[number], 0, 0, False)
        model.upload(opening, list(enumerate(rows, 2)))
    return model


def reckon(database: Path, done: Uploading, findings: Findings) -> None:
    """Compare one upload with the model, once it is swept up."""
    hoped = expected(done)
    with closing(reading(database)) as connection:
        connection.execute("BEGIN")  # one state for all that is asked
        roll = [device(row) for row in connection.execute(ROLL)]
        errors = Counter(connection.execute(_ERRORS, (done.upload_id,)).fetchall())
        upload = connection.execute(_UPLOAD, (done.upload_id,)).fetchone()
    found = Counter(_lines(each for each in roll if each.profile in done.profiles))
    kept = hoped.may_stay & set(_lines(each for each in roll if each.registered))
    name = f"upload {done.plan.number}"
    findings.compare(f"{name}, devices", hoped.devices + Counter(kept), found)
    wanted = errors & hoped.errors if hoped.ending in _GONE else hoped.errors
    findings.compare(f"{name}, errors", wanted, errors)
    _check_upload(findings, done, hoped, upload)


def committed_rows(database: Path, upload_id: str) -> int:
    """Tell how far an upload is taken in."""
    sql = "SELECT committed_rows FROM uploads WHERE upload_id = ?"
    with closing(reading(database)) as connection:
        found = connection.execute(sql, (upload_id,)).fetchone()
    return int(found[0]) if found else 0


def most_batches(database: Path) -> int:
    """Tell at how many instants rows of one upload went onto the roll at most: one a batch."""
    sql = "SELECT max(n) FROM (SELECT count(DISTINCT create_time) n FROM devices GROUP BY upload)"
    with closing(reading(database)) as connection:
        return int(connection.execute(sql).fetchone()[0] or 0)


def leftovers(database: Path) -> list[str]:
    """Name the uploads that are still to be swept up."""
    with closing(reading(database)) as connection:
        return [name for (name,) in connection.execute(_LEFTOVERS)]


def check_counters(database: Path, findings: Findings) -> None:
    """Compare the counts that profiles keep with what is there."""
    with closing(reading(database)) as connection:
        for row in connection.execute(_WRONG_COUNTERS):
            findings.faults.append(f"profile, its counters, what is there: {row}")


def check_whole(database: Path, told: dict[str, str], findings: Findings) -> None:
    """Check what holds for the whole database once all is over."""
    check_counters(database, findings)
    with closing(reading(database)) as connection:
        foreign = Counter(name for (name,) in connection.execute(_FOREIGN))
        findings.check(f"left behind: {dict(foreign)}", holds=not foreign)
        integrity = connection.execute("PRAGMA integrity_check").fetchall()
        findings.check(f"integrity_check: {integrity}", holds=integrity == [("ok",)])
        registered = {
            (imei, f"dev-{number}")
            for imei, number in connection.execute(
                "SELECT imei, id FROM devices WHERE register_time IS NOT NULL"
            )
        }
    missing = Counter(told.items()) - Counter(registered)
    findings.compare("acknowledged enrollments", missing, Counter())


def _opening(done: Uploading) -> Opening:
    kind = done.plan.kind
    on_invalid_row = upload_pb2.OnInvalidRow.Value(f"ON_INVALID_ROW_{kind.on_invalid_row}")
    on_conflict = upload_pb2.OnConflict.Value(f"ON_CONFLICT_{kind.on_conflict}")
    return Opening(
        done.upload_id, done.profiles[0], on_invalid_row, on_conflict, kind.validate_only
    )


def _ending(plan: Plan, *, failed: bool) -> str:
    if plan.kind.discarded or plan.kind.too_long:
        return "discarded" if plan.kind.discarded else "too_long"
    return "failed" if failed else ""


def _lines(devices: Iterable[Device]) -> list[Line]:
    return [
        (*each[:5], *sorted(each.attributes.items()), each.upload, each.line) for each in devices
    ]


def _check_upload(findings: Findings, done: Uploading, hoped: Expected, row: Sequence[Any]) -> None:
    state, _, *counts, offset, rows, crc32 = row
    name, gone = f"upload {done.plan.number}", hoped.ending in _GONE
    refused = done.reason in _REFUSALS[hoped.ending]
    findings.check(f"{name} ended with {done.reason!r}", holds=refused)
    findings.check(f"{name} is {state}", holds=state == _STATES[hoped.ending])
    exact = gone or tuple(counts) == hoped.counts
    findings.check(f"{name} counts {counts}, not {hoped.counts}", holds=exact)
    whole = sum(counts) <= rows if gone else sum(counts) == rows == len(done.plan.rows)
    findings.check(f"{name} counts {counts} of {rows} rows", holds=whole)
    data = content(done.plan)[:offset]
    same = done.plan.typed or zlib.crc32(data) == crc32
    findings.check(f"{name} has another CRC at {offset}", holds=same)
