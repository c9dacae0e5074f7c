"""The audit log in the database."""

from __future__ import annotations

import hmac
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from rollbook_server.domain import clock
from rollbook_server.domain.audit import AuditEvent, Deed, Subject
from rollbook_server.domain.audit_chain import BEGINNING, End, Link, NewestSeen
from rollbook_server.domain.audit_repository import StoredLink
from rollbook_server.storage.audit_tables import SEARCHED, AuditEventTable, in_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rollbook_server.domain.audit_chain import Seals
    from rollbook_server.domain.audit_lists import AuditQuery
    from rollbook_server.storage.engine import RollDatabase

T = TypeVar("T")

_log = logging.getLogger(__name__)

_BROKEN = (
    "THE AUDIT LOG IS NOT AS IT WAS LEFT: its newest event is %d, and what was kept of its end is "
    "missing or does not fit. It goes on with event %d, and `rollbook audit verify` names the "
    "first one missing from now on. Find out who changed the database."
)

_INSERT = "INSERT INTO audit_events SELECT * FROM ($ROWS) AS linked WHERE column1 IS NOT NULL"
_END = "SELECT sequence, digest, seal FROM audit_end WHERE id = 1"
# The same, in one row in any case, and behind it the sequence of the newest event there is.
_BOTH_ENDS = """
SELECT e.sequence, e.digest, e.seal, n.newest
FROM (SELECT max(sequence) AS newest FROM audit_events) n LEFT JOIN audit_end e ON e.id = 1
"""
_NEWEST = "SELECT sequence, digest FROM audit_events ORDER BY sequence DESC LIMIT 1"
_MOVE_END = """
INSERT INTO audit_end (id, sequence, digest, seal) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO
    UPDATE SET sequence = excluded.sequence, digest = excluded.digest, seal = excluded.seal
"""
# The columns are the sequence, the time, the texts as bytes, the digest, the seal, and
# whether all are of the type that we wrote.
_LINKS = "SELECT $LINKS FROM audit_events WHERE sequence > ? ORDER BY sequence LIMIT ?"


class StoredAudit:
    """The events as one transaction sees them; these are not added to."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def record(self, deed: Deed) -> None:
        """Refuse: what is told here would be told nowhere."""
        raise AssertionError(f"{deed.action} is told where nothing is written")

    def list(self, query: AuditQuery, *, before: int, limit: int) -> Sequence[AuditEvent]:
        """Give at most `limit` events before sequence `before` (0: the newest), newest first."""
        wanted = (
            AuditEventTable.select()
            .where(*_conditions(query, before))
            .order_by(AuditEventTable.sequence.desc())
            .limit(limit)
        )
        return [_event(row) for row in wanted.dicts().execute(self._database)]

    def links(self, *, after: int, limit: int) -> Iterator[StoredLink]:
        """Give at most `limit` events behind sequence `after`, as they are stored."""
        for row in self._database.execute_sql(_LINKS, (after, limit)):
            sequence, *fields, digest, seal, is_sound = row
            yield StoredLink(
                sequence,
                _link(sequence, fields) if is_sound else None,
                *(value if isinstance(value, bytes) else b"" for value in (digest, seal)),
            )

    def end(self) -> tuple[End, bytes] | None:
        """Give what is remembered of the newest event, and its seal."""
        row = self._database.execute_sql(_END).fetchone()
        return None if row is None else _typed(row)

    def newest(self) -> End:
        """Give the newest event that there is, whatever is remembered of it."""
        sequence, digest = self._database.execute_sql(_NEWEST).fetchone() or BEGINNING
        return End(sequence, digest if isinstance(digest, bytes) else b"")


class GatheredAudit(StoredAudit):
    """The events as the writing connection sees them, those of a transaction gathered.

    They are put into the chain together, at the end of the transaction: its end is then
    looked up and moved once for all of them. An event takes about 20 microseconds.

    Where the end is not as we left it, the log goes on behind a gap, which nobody can close
    who has not the key file: to refuse all work would help nobody, and to go on as if nothing
    were would hide what may be missing there. `seen` is the newest event that was found or written.
    """

    def __init__(self, database: RollDatabase, seals: Seals) -> None:
        super().__init__(database)
        self._seals, self.seen = seals, NewestSeen()
        self._written: End | None = None
        self._deeds: list[Deed] = []

    def record(self, deed: Deed) -> None:
        """Put a deed at the end of what is gathered."""
        self._deeds.append(deed)

    def of(self, work: Callable[[], T]) -> T:
        """Do work, and forget what it recorded if it fails."""
        before = len(self._deeds)
        try:
            return work()
        except BaseException:
            del self._deeds[before:]
            raise

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Write what is recorded within, a transaction; nothing of one that was given up before."""
        self._deeds.clear()
        self._written = None
        found = self._database.ask_ahead(_BOTH_ENDS)
        yield
        if self._deeds:
            *remembered, newest = found().fetchone()
            self._write(self._checked(remembered, newest or 0))

    def committed(self) -> None:
        """Be told that the transaction of what was gathered last is committed."""
        if self._written is not None:
            self.seen.saw(self._written)

    def _checked(self, remembered: Sequence[Any], newest: int) -> End:
        """Give what the log goes on behind: its end, if that is as we left it."""
        if remembered[0] is not None:
            end, seal = _typed(remembered)
            if newest <= end.sequence and hmac.compare_digest(self._seals.of_end(end), seal):
                self.seen.saw(end)
                return end
        elif not newest and not self.seen.end.sequence:
            return BEGINNING
        return self._behind_gap()

    def _behind_gap(self) -> End:
        """Give an end that leaves out one event, or all between the newest and what was seen."""
        newest, seen = self.newest(), self.seen.end
        gap = End(newest.sequence + 1, newest.digest)
        end = seen if seen.sequence >= gap.sequence else gap
        _log.error(_BROKEN, newest.sequence, end.sequence + 1)
        return end

    def _write(self, end: End) -> None:
        rows = []
        for deed in self._deeds:
            link = _linked(end.sequence + 1, deed)
            end = End(link.sequence, link.digest(end.digest))
            rows.append((*link, end.digest, self._seals.of_event(end.digest)))
        self._database.execute_rows(_INSERT, rows)
        self._database.hand_over(_MOVE_END, (*end, self._seals.of_end(end)))
        self._written = end


def _typed(row: Sequence[Any]) -> tuple[End, bytes]:
    """Give an end and its seal; of another type than we wrote, one that no seal fits."""
    sequence, digest, seal = row
    if not (isinstance(sequence, int) and isinstance(digest, bytes) and isinstance(seal, bytes)):
        return BEGINNING, b""
    return End(sequence, digest), seal


def _conditions(query: AuditQuery, before: int) -> Iterator[Any]:
    table = AuditEventTable
    yield table.sequence > 0
    if before:
        yield table.sequence < before
    for name, others in SEARCHED.items():
        if value := getattr(query, name):
            yield getattr(table, name) == value
            if value not in others:
                yield in_index(name)
    if query.start_time:
        yield table.event_time >= query.start_time
    if query.end_time:
        yield table.event_time < query.end_time


def _event(row: dict[str, Any]) -> AuditEvent:
    subject = Subject(row["profile_id"], row["device_id"], row["resource_id"])
    told = (row["action"], row["actor"], row["source"], subject, row["reason"], row["details"])
    return AuditEvent(row["sequence"], Deed(row["event_time"], *told), bytes(row["digest"]))


def _linked(sequence: int, deed: Deed) -> Link:
    microseconds = clock.microseconds(deed.event_time)
    return Link(
        *(sequence, microseconds, deed.action, deed.actor, deed.source),
        *(*deed.subject, deed.reason, deed.details),
    )


def _link(sequence: int, fields: Sequence[Any]) -> Link | None:
    """Give a stored event as it is hashed; None if its texts are none."""
    microseconds, *texts = fields
    try:
        return Link(sequence, microseconds, *(text.decode() for text in texts))
    except UnicodeDecodeError:
        return None
