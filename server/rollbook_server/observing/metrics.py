"""The metrics of one server, from all who count and look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import descriptor_pool
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
)

from rollbook_server.observing.call_metrics import CallMetrics
from rollbook_server.observing.outcomes import Outcomes
from rollbook_server.observing.roll import RollCollector
from rollbook_server.observing.states import StateCollector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from rollbook_server.domain.clock import Clock
    from rollbook_server.observing.states import States
    from rollbook_server.storage.roll_store import RollStore


class Metrics:
    """Counts from the first call on; close it before the store that it looks at."""

    def __init__(self, services: Iterable[str]) -> None:
        # When counting began: a third more text, and nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        pool = descriptor_pool.Default()
        self._own = CollectorRegistry()
        self.calls = CallMetrics(self._own, [pool.FindServiceByName(name) for name in services])
        self.outcomes = Outcomes(self._own)
        self._roll: RollCollector | None = None
        ProcessCollector(registry=self._own)
        GCCollector(self._own)

    def look_at(self, store: RollStore, clock: Clock, states: States) -> None:
        """Tell of these, too, from now on."""
        store.watch_commits(self.outcomes.committed)
        self._own.register(StateCollector(states))
        self._roll = RollCollector(store, clock)

    def collect(self, *, with_roll: bool = True) -> list[Metric]:
        """Give all there is; of the roll, which all servers have in common, only if asked."""
        roll = self._roll.collect() if with_roll and self._roll else ()
        return [*self._own.collect(), *roll]

    def close(self) -> None:
        """Look at the store no more."""
        if self._roll:
            self._roll.close()
