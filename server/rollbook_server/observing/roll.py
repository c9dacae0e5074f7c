"""The roll in numbers: the same for every server of one database.

It is read when somebody asks, but never waited for long: metrics are most wanted when a
database does not answer.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily

from rollbook_server.domain.errors import RollbookError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.core import Metric

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.figures import Figures
    from rollbook_server.domain.ports import Store

_WAIT_SECONDS = 2.0
_KEPT_SECONDS = 5.0  # it may be asked more often than is worth reading anew

_log = logging.getLogger(__name__)


class RollCollector:
    """Reads the figures of a store; close it before that. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rollbook-figures")
        self._under_way: Future[Figures] | None = None
        self._read_at = -_KEPT_SECONDS
        self._last: Figures | None = None

    def collect(self) -> Iterator[Metric]:
        """Give the figures, or that they cannot be had."""
        figures = self._figures()
        yield GaugeMetricFamily(
            "rollbook_roll_readable",
            "1 if the database told the figures of the roll in time.",
            value=figures is not None,
        )
        if figures is not None:
            yield from _families(figures)

    def close(self) -> None:
        """Read no more; one that is under way is waited for."""
        self._thread.shutdown()

    def _figures(self) -> Figures | None:
        with self._lock:
            if monotonic() - self._read_at >= _KEPT_SECONDS:
                self._last = self._read()
            return self._last

    def _read(self) -> Figures | None:
        """Read, or give None where that fails or takes too long; then it goes on by itself."""
        reading = self._under_way or self._thread.submit(self._look)
        try:
            figures = reading.result(_WAIT_SECONDS)
        except TimeoutError:
            self._under_way = reading
            return None
        except RollbookError as error:
            _log.debug("the figures of the roll cannot be read: %s", error.reason)
            self._under_way = None
            return None
        self._under_way, self._read_at = None, monotonic()
        return figures

    def _look(self) -> Figures:
        return self._store.read(lambda roll: roll.figures.at(self._clock()))


def _families(figures: Figures) -> Iterator[Metric]:
    yield _gauge("profiles", "Profiles.", figures.profiles)
    yield _labelled("devices", "Devices by state.", "state", figures.devices)
    yield _gauge("uploads_open", "Uploads that were begun and not ended.", figures.open_uploads)
    yield _labelled("tokens", "Current tokens of profiles by state.", "state", figures.tokens)
    ahead = {f"{horizon.days}d": count for horizon, count in figures.expiring.items()}
    yield _labelled("tokens_expiring", "ACTIVE tokens that expire within.", "within", ahead)
    if figures.next_expiry is not None:
        soon, text = figures.next_expiry.timestamp(), "When the first ACTIVE token expires."
        yield _gauge("token_next_expiry_timestamp_seconds", text, soon)
    if figures.next_key_expiry is not None:
        soon, text = figures.next_key_expiry.timestamp(), "When the first API key expires."
        yield _gauge("api_key_next_expiry_timestamp_seconds", text, soon)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"rollbook_roll_{name}", text, value=value)


def _labelled(name: str, text: str, label: str, values: Mapping[Any, int]) -> Metric:
    family = GaugeMetricFamily(f"rollbook_roll_{name}", text, labels=(label,))
    for key, value in values.items():
        family.add_metric((str(key),), value)
    return family
