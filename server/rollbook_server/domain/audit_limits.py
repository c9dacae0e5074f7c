"""How many refusals are told one by one, so that strangers cannot fill the disk with them.

Whoever has no key can be refused as often as they like. The first refusals of a source
are told on their own; those beyond are counted, and told as one event for each source,
action and reason when the period ends. So the log grows by some hundred events a minute
at most, whatever comes: less than 100 KiB.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

PERIOD_SECONDS = 60.0
OF_SOURCE = 10  # told on their own in a period
OF_ALL = 200
SUMS = 100  # kinds that are counted; what is beyond is counted without its source


class Kind(NamedTuple):
    """What refusals are counted by. `actor` is empty for callers who have no key."""

    action: str
    actor: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Refusals of one kind that were not told on their own, and when the first one came."""

    kind: Kind
    count: int
    since: datetime


class RefusalLimit:
    """Counts refusals. Thread-safe. A period lasts from one `take` to the next."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._told: Counter[str] = Counter()
        self._sums: dict[Kind, Sum] = {}

    def admits(self, kind: Kind, now: datetime) -> bool:
        """Tell whether a refusal is told on its own; one that is not is counted."""
        with self._lock:
            if self._told[kind.source] < OF_SOURCE and self._told.total() < OF_ALL:
                self._told[kind.source] += 1
                return True
            self._add(Sum(kind, 1, now))
            return False

    def count(self, kind: Kind, now: datetime) -> None:
        """Count a refusal that is not to be told on its own."""
        with self._lock:
            self._add(Sum(kind, 1, now))

    def take(self) -> list[Sum]:
        """End the period, and give what was counted in it."""
        with self._lock:
            taken, self._sums = list(self._sums.values()), {}
            self._told.clear()
            return taken

    def put_back(self, sums: Iterable[Sum]) -> None:
        """Count again what was taken and could not be told."""
        with self._lock:
            for each in sums:
                self._add(each)

    def _add(self, new: Sum) -> None:
        kind = new.kind
        if kind not in self._sums and len(self._sums) >= SUMS:
            kind = kind._replace(source="", actor="")
        before = self._sums.get(kind, Sum(kind, 0, new.since))
        since = min(before.since, new.since)
        self._sums[kind] = Sum(kind, before.count + new.count, since)
