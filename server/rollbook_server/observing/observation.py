"""What one server lets others see of it, put together."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rollbook_server.config import ConfigError
from rollbook_server.domain.tally import NoTally
from rollbook_server.observing.access_log import AccessLog
from rollbook_server.transport.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollbook_server.config import Config
    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Store
    from rollbook_server.domain.tally import Tally
    from rollbook_server.observing.endpoint import Endpoint
    from rollbook_server.observing.metrics import Metrics
    from rollbook_server.observing.states import States
    from rollbook_server.observing.traces import Traces
    from rollbook_server.storage.roll_store import RollStore
    from rollbook_server.transport.watch import Watcher


class Observation:
    """Made before the rooms that it looks at; close it before their store.

    `watch` and `tally` are for those who make the calls and the decisions. What was not
    asked for is not even imported.
    """

    def __init__(self, config: Config, services: Iterable[str]) -> None:
        """Begin; raises ConfigError if traces lack their extra or are set wrong."""
        self._config = config
        self._endpoint: Endpoint | None = None
        self.metrics = _metrics(services) if config.metrics else None
        self._traces = _traces() if config.traces else None
        self.tally: Tally = self.metrics.outcomes if self.metrics else NoTally()
        self.watch = Watch(list(self._watchers()))

    @property
    def address(self) -> str:
        """Where metrics are told; empty if they are not, or by another process."""
        return self._endpoint.address if self._endpoint else ""

    def look_at(self, store: RollStore, clock: Clock, states: States) -> None:
        """Tell of these as well; raises ConfigError if metrics cannot have their address."""
        if self.metrics is None:
            return
        self.metrics.look_at(store, clock, states)
        if not self._config.shares_port:
            self._endpoint = endpoint(self._config.metrics, self.metrics)

    def traced(self, store: Store) -> Store:
        """Give the store as calls are to use it."""
        return self._traces.of(store) if self._traces else store

    def close(self) -> None:
        """Tell no more; sends the traces that are left. A second time does nothing."""
        if self._endpoint:
            self._endpoint.close()
        if self.metrics:
            self.metrics.close()
        if self._traces:
            self._traces.close()
            self._traces = None

    def _watchers(self) -> Iterator[Watcher]:
        yield AccessLog()
        if self.metrics:
            yield self.metrics.calls
        if self._traces:
            yield self._traces.calls


def endpoint(address: str, told: Metrics) -> Endpoint:
    """Serve metrics on an address."""
    from rollbook_server.observing.endpoint import Endpoint  # noqa: PLC0415 - only if asked for

    return Endpoint(address, told.collect)


def _metrics(services: Iterable[str]) -> Metrics:
    from rollbook_server.observing.metrics import Metrics  # noqa: PLC0415 - only if asked for

    return Metrics(services)


def _traces() -> Traces:
    with _extra():
        from rollbook_server.observing.traces import Traces  # noqa: PLC0415 - an extra
    try:
        return Traces()
    except ValueError as error:  # as its SDK raises it of its variables
        raise ConfigError(
            f"--traces: OpenTelemetry refuses what a variable of its own says (OTEL_...): {error}"
        ) from error


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"--traces needs the extra `traces`, which is not installed ({error}): "
            "pip install 'rollbook[traces]'"
        ) from error
