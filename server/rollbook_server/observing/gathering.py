"""The metrics of several processes in one place: whoever asks the first process gets all.

The system would lead a scraper to one of the processes by chance. So they are asked
through pipes, when somebody asks, and each one's numbers get a label `worker`. One that is
replaced begins at 0 again, as a server does that was started anew.
"""

from __future__ import annotations

import logging
from itertools import count
from threading import Lock, Thread
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from multiprocessing.connection import Connection

    from rollbook_server.observing.metrics import Metrics

ROLL = "rollbook_roll_"
"""How metrics begin that are the same from every process; they get no label."""

_WAIT_SECONDS = 4.0  # less than a scraper's usual ten, even if two do not answer

_log = logging.getLogger(__name__)


class Gathering:
    """Asks the processes that `pipes` gives, in order of their labels. Thread-safe."""

    def __init__(self, pipes: Callable[[], Sequence[Connection]]) -> None:
        self._pipes = pipes
        self._lock, self._numbers = Lock(), count()

    def collect(self) -> Iterator[Metric]:
        """Give what all tell, and who tells nothing."""
        up = GaugeMetricFamily("rollbook_worker_up", "1 if it told.", labels=("worker",))
        families: dict[str, Metric] = {}
        with self._lock:
            for index, pipe in enumerate(self._pipes()):
                told = self._asked(pipe, with_roll=not any(map(_is_of_roll, families)))
                up.add_metric((str(index),), told is not None)
                _merge(families, told or (), str(index))
        yield up
        yield from families.values()

    def _asked(self, pipe: Connection, *, with_roll: bool) -> list[Metric] | None:
        """Ask one process; None if it is gone or too slow, whose late answer is thrown away."""
        number = next(self._numbers)
        try:
            pipe.send((number, with_roll))
            while pipe.poll(_WAIT_SECONDS):
                answered, told = pipe.recv()
                if answered == number:
                    return list(told)
        except (EOFError, OSError):
            pass
        return None


def answer(pipe: Connection, metrics: Metrics) -> None:
    """Answer whoever asks through the pipe, in a thread of its own, until that is closed."""
    Thread(target=_answer, args=(pipe, metrics), name="rollbook-metrics", daemon=True).start()


def _answer(pipe: Connection, metrics: Metrics) -> None:
    try:
        while True:
            number, with_roll = pipe.recv()
            pipe.send((number, metrics.collect(with_roll=with_roll)))
    except (EOFError, OSError):
        _log.debug("nobody asks for metrics any more")


def _is_of_roll(name: str) -> bool:
    return name.startswith(ROLL)


def _merge(families: dict[str, Metric], told: Iterable[Metric], worker: str) -> None:
    for metric in told:
        if _is_of_roll(metric.name):
            families.setdefault(metric.name, metric)
            continue
        empty = Metric(metric.name, metric.documentation, metric.type)
        family = families.setdefault(metric.name, empty)
        family.samples += [
            sample._replace(labels={**sample.labels, "worker": worker}) for sample in metric.samples
        ]
