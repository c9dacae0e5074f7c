"""How many refusals are told one by one, so that strangers cannot fill the disk with them.

Whoever has no key can be refused as often as they like. The first refusals of an address
are told on their own, the addresses of an IPv6 /64 being one; those beyond are counted, and
told as one event for each address, action and reason when the period ends. Callers with a
key are counted by it, and apart: strangers leave room for what they are refused, wherever
they call from. So the log grows by some hundred events a minute at most, whatever comes:
less than 200 KiB.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.audit import DEVICE_AGENT
from rollbook_server.domain.origins import origins

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

PERIOD_SECONDS = 60.0
OF_SOURCE = 10  # told on their own in a period, of one address or one key
OF_ALL = 200  # of all without a key, and of all with one
SUMS = 100  # kinds that are counted of either; what is beyond, without source and actor


class Kind(NamedTuple):
    """What refusals are counted by.

    `actor` is empty or that of device agents for callers who have no key. `source` is an
    address, or in a sum the /64 that several addresses are in.
    """

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
        self._strangers, self._keys = _Share(), _Share()

    def admits(self, kind: Kind, now: datetime) -> bool:
        """Tell whether a refusal is told on its own; one that is not is counted."""
        with self._lock:
            share = self._share(kind)
            if share.admits(kind.actor if share is self._keys else _origin(kind.source)):
                return True
            share.add(Sum(kind, 1, now))
            return False

    def count(self, kind: Kind, now: datetime) -> None:
        """Count a refusal that is not to be told on its own."""
        self.put_back([Sum(kind, 1, now)])

    def take(self) -> list[Sum]:
        """End the period, and give what was counted in it."""
        with self._lock:
            ended = self._strangers, self._keys
            self._strangers, self._keys = _Share(), _Share()
        return [each for share in ended for each in share.sums.values()]

    def put_back(self, sums: Iterable[Sum]) -> None:
        """Count again what was taken and could not be told."""
        with self._lock:
            for each in sums:
                self._share(each.kind).add(each)

    def _share(self, kind: Kind) -> _Share:
        return self._strangers if kind.actor in {"", DEVICE_AGENT} else self._keys


class _Share:
    """What is told and counted of those with a key, or of those without, in one period."""

    def __init__(self) -> None:
        self._told: Counter[str] = Counter()
        self.sums: dict[Kind, Sum] = {}

    def admits(self, who: str) -> bool:
        """Tell whether one more is told on its own; then it counts as told."""
        if self._told[who] >= OF_SOURCE or self._told.total() >= OF_ALL:
            return False
        self._told[who] += 1
        return True

    def add(self, new: Sum) -> None:
        """Count refusals, with others of their kind from the same origin."""
        kind = new.kind._replace(source=_origin(new.kind.source))
        if kind not in self.sums and len(self.sums) >= SUMS:
            kind = kind._replace(source="", actor="")
            new = replace(new, kind=kind)
        before = self.sums.get(kind)
        self.sums[kind] = _together(before, new, kind) if before else new


def _together(one: Sum, other: Sum, kind: Kind) -> Sum:
    """Add up, as from their one address, or as of the kind where there are several."""
    kind = one.kind if one.kind == other.kind else kind
    return Sum(kind, one.count + other.count, min(one.since, other.since))


def _origin(source: str) -> str:
    """Give the address that counts; of a network, as sums may have one, itself."""
    return origins(source)[0] or source
