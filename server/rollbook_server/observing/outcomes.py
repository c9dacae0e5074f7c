"""What the server decides and does, in numbers that only rise."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from rollbook_server.domain.audit import Action
    from rollbook_server.domain.enrollment import Decision, Outcome
    from rollbook_server.domain.uploads import Counts

_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Outcomes:
    """A `domain.tally.Tally`, and told of commits. Thread-safe."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "rollbook_enrollments",
            "What devices were told, and why; the reason is never told to a device.",
            ("method", "outcome", "reason"),
            registry=registry,
        )
        self._count_of = cache(self._counted)
        self._rows = Counter(
            "rollbook_upload_rows",
            "Rows of uploads by what became of them, dry runs left out.",
            ("outcome",),
            registry=registry,
        )
        self._seconds = Histogram(
            "rollbook_commit_seconds",
            "Seconds from the begin of a transaction until what it wrote is durable.",
            ("kind",),
            buckets=_COMMIT_SECONDS,
            registry=registry,
        )
        self._pieces = Counter(
            "rollbook_commit_pieces",
            "Pieces of work that commits held: many share one.",
            ("kind",),
            registry=registry,
        )
        self._commits = {
            is_bulk: (self._seconds.labels(kind), self._pieces.labels(kind))
            for is_bulk, kind in ((False, "small"), (True, "bulk"))
        }
        self._begin_at_zero()

    def decided(self, action: Action, decision: Decision) -> None:
        """Count what a device was told."""
        self._count_of(action, decision.outcome, decision.cause).inc()

    def took(self, counts: Counts) -> None:
        """Count rows of an upload."""
        self._rows.labels("created").inc(counts.created)
        self._rows.labels("updated").inc(counts.updated)
        self._rows.labels("unchanged").inc(counts.unchanged)
        self._rows.labels("rejected").inc(counts.rejected)

    def committed(self, is_bulk: bool, pieces: int, seconds: float) -> None:
        """Count a commit."""
        took, held = self._commits[is_bulk]
        took.observe(seconds)
        held.inc(pieces)

    def _counted(self, action: Action, outcome: Outcome, cause: str) -> Counter:
        """Look a counter up, which takes the library longer than to count."""
        return self._decisions.labels(str(action), str(outcome), str(cause))

    def _begin_at_zero(self) -> None:
        """Name what is surely counted some day, so that its first time is seen as a rise."""
        for outcome in ("created", "updated", "unchanged", "rejected"):
            self._rows.labels(outcome)
