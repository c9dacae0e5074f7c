"""How things stand in one server: looked at when somebody asks, where the numbers live."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric


class Places(NamedTuple):
    """How many places of a kind there are, and how many are taken."""

    taken: int
    most: int


class States(NamedTuple):
    """Where to look; each is called at every look, from any thread.

    `waiting` gives the calls in each line, `queued` the pieces of work for the writer,
    `streams` the streams that are open.
    """

    is_serving: Callable[[], bool]
    waiting: Callable[[], Mapping[str, Places]]
    queued: Callable[[], Mapping[str, int]]
    streams: Callable[[], Mapping[str, Places]]


class StateCollector:
    """Gives the states to Prometheus' library."""

    def __init__(self, states: States) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """Look."""
        build = {"version": version("rollbook"), "python": platform.python_version()}
        yield InfoMetricFamily("rollbook_build", "What serves.", value=build)
        serving = "1 if health says SERVING, 0 if the database does not answer or it stops."
        yield GaugeMetricFamily("rollbook_serving", serving, value=self._states.is_serving())
        yield from self._lines()
        queue = GaugeMetricFamily(
            "rollbook_writer_queue", "Pieces of work that wait for the writer.", labels=("kind",)
        )
        for kind, pieces in self._states.queued().items():
            queue.add_metric((kind,), pieces)
        yield queue

    def _lines(self) -> Iterator[Metric]:
        yield from _taken_and_most(
            "rollbook_calls_waiting",
            "Calls that wait for a thread; beyond the limit they are turned away.",
            "line",
            self._states.waiting(),
        )
        yield from _taken_and_most(
            "rollbook_streams_open",
            "Streams that hold a place; beyond the limit they are turned away.",
            "kind",
            self._states.streams(),
        )


def _taken_and_most(
    name: str, text: str, label: str, places: Mapping[str, Places]
) -> Iterator[Metric]:
    taken = GaugeMetricFamily(name, text, labels=(label,))
    most = GaugeMetricFamily(f"{name}_limit", f"The most that {name} can be.", labels=(label,))
    for kind, each in places.items():
        taken.add_metric((kind,), each.taken)
        most.add_metric((kind,), each.most)
    yield taken
    yield most
