"""How things stand in one server: looked at when somebody asks, where the numbers live."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from rollbook_server.storage.roll_store import RollStore
    from rollbook_server.tls import Certificates
    from rollbook_server.transport.streams import Streams
    from rollbook_server.transport.waiting_line import Lines


class States(NamedTuple):
    """Where to look, from any thread; there are no certificates without TLS."""

    serves: Callable[[], bool]
    store: RollStore
    lines: Lines
    streams: Mapping[str, Streams]
    certificates: Certificates | None


class StateCollector:
    """Gives the states to Prometheus' library."""

    def __init__(self, states: States) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """Look."""
        build = {"version": version("rollbook"), "python": platform.python_version()}
        yield InfoMetricFamily("rollbook_build", "What serves.", value=build)
        serving = "1 if health says SERVING, 0 if the database does not answer or it stops."
        yield GaugeMetricFamily("rollbook_serving", serving, value=self._states.serves())
        yield from self._lines()
        yield from self._certificate()
        queue = GaugeMetricFamily(
            "rollbook_writer_queue", "Pieces of work that wait for the writer.", labels=("kind",)
        )
        for kind, pieces in zip(("small", "bulk"), self._states.store.queued(), strict=True):
            queue.add_metric((kind,), pieces)
        yield queue

    def _certificate(self) -> Iterator[Metric]:
        if self._states.certificates is not None:
            yield GaugeMetricFamily(
                "rollbook_tls_certificate_expiry_timestamp_seconds",
                "When the certificate that is served ends.",
                value=self._states.certificates.until.timestamp(),
            )

    def _lines(self) -> Iterator[Metric]:
        yield from _taken_and_most(
            "rollbook_calls_waiting",
            "Calls that wait for a thread; beyond the limit they are turned away.",
            "line",
            self._states.lines.lengths(),
        )
        yield from _taken_and_most(
            "rollbook_streams_open",
            "Streams that hold a place; beyond the limit they are turned away.",
            "kind",
            {kind: (each.taken, each.most) for kind, each in self._states.streams.items()},
        )


def _taken_and_most(
    name: str, text: str, label: str, places: Mapping[str, tuple[int, int]]
) -> Iterator[Metric]:
    taken = GaugeMetricFamily(name, text, labels=(label,))
    most = GaugeMetricFamily(f"{name}_limit", f"The most that {name} can be.", labels=(label,))
    for kind, (now, limit) in places.items():
        taken.add_metric((kind,), now)
        most.add_metric((kind,), limit)
    yield taken
    yield most
