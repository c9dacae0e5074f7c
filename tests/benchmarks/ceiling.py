"""How near to an empty call an enrollment can come, by how long its own work takes.

Measured on `stand_in`, a server in which nothing but that time is left, and our group commit.
Its empty call is cheaper than ours, which asks for keys, counts and logs. `python ceiling.py
ROUNDS`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from benchmarks import enrollments
from rollbook import DeviceRow
from running import finding_tests, unset_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

# Microseconds of a call in its own thread and in that of the writer. The first is what ours
# take, measured alone.
WORK = ((14, 37), (10, 25), (8, 15), (0, 0))


def main(rounds: int = 5) -> None:
    """Print a line for each amount of work."""
    print(f"{'work of a call, microseconds':<40} {'rate / an empty call':>20}")
    for handler, writer in WORK:
        told = f"{handler} in its thread, {writer} in the writer's"
        print(f"{told:<40} {_ratio(handler, writer, rounds):>20.2f}", flush=True)


def _ratio(handler: int, writer: int, rounds: int) -> float:
    rows = [DeviceRow(f"35{number:012}") for number in range(enrollments.CALLS * rounds)]
    with _standing_in(handler, writer) as address:
        empty, enrolled = enrollments.measured(address, rows, rounds)
    return statistics.median(enrolled.rates) / statistics.median(empty.rates)


@contextmanager
def _standing_in(*work: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.stand_in", *map(str, work)]
    environment = finding_tests(unset_environment())
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
