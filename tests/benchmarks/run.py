"""Prints the speed of Rollbook as ratios measured in one run, each with its goal.

Times of one machine mean nothing on another: each line compares two things that were
measured in turn, and milliseconds stand beside the percentiles of enrollments alone.
`python run.py ROUNDS DEVICES`: the medians are of that many rounds, 5 by default, and
the largest roll has that many devices, ten million by default, which take a minute and
2 GB of disk to make.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from benchmarks import (
    enrollments,
    exports,
    long_uploads,
    one_cpu,
    postgres_rolls,
    profile_lists,
    roll_sizes,
    under_load,
    upload_kinds,
    uploads,
)

ALL = (
    uploads,
    upload_kinds,
    long_uploads,
    under_load,
    enrollments,
    one_cpu,
    exports,
    profile_lists,
    postgres_rolls,
)


def main(rounds: int = 5, devices: int = roll_sizes.MANY) -> None:
    """Run every benchmark and print a line for each."""
    measures = [benchmark.measure for benchmark in ALL]
    measures.append(partial(roll_sizes.measure, many=devices))
    print(f"{'measured':<58} {'ratio':>8}  goal")
    with tempfile.TemporaryDirectory() as folder:
        for measure in measures:
            for line in measure(Path(folder), rounds):
                print(f"{line.what:<58} {line.value:>8.2f}  {line.goal}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
