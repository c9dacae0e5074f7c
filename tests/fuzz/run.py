"""Fuzzes the parser and whole servers on every core, and counts what came of it.

A run is repeated by its seed. What breaks a promise ends it, is told with the seed and
the number that bring it back, and is written to a file.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import secrets
import sys
import tempfile
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from fuzz import files, parser, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

FOUND = Path(".fuzz")
_AT_ONCE = {"parser": 5_000, "server": 500}
_LONGEST_SECONDS = 1_800  # for so many at once on a busy machine


class Task(NamedTuple):
    """A stretch of inputs of one kind, parser or server."""

    kind: str
    seed: int
    numbers: range


class FoundError(Exception):
    """An input that breaks a promise; the text says which, and how to meet it again."""


def run(task: Task) -> Counter[str]:
    """Give the outcomes of a stretch, counted; raises FoundError."""
    return _parse(task) if task.kind == "parser" else _serve(task)


def _parse(task: Task) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for number in task.numbers:
        try:
            outcomes.update(parser.check(Random(task.seed << 32 | number)))
        except Exception as error:
            data = files.make(Random(task.seed << 32 | number)).data
            raise _found(task, number, number, data) from error
    return outcomes


def _serve(task: Task) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="rollbook-fuzz-") as folder:
        streams = servers.send_many(Path(folder) / "data", task.seed, task.numbers)
        for number, (told, send) in enumerate(streams, task.numbers.start):
            try:
                outcomes.update(send())
            except Exception as error:
                raise _found(task, task.numbers.start, number, told) from error
    return outcomes


def _found(task: Task, first: int, number: int, data: bytes) -> FoundError:
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{task.kind}-{task.seed}-{number}"
    path.write_bytes(data)
    other = "server" if task.kind == "parser" else "parser"
    return FoundError(
        f"{traceback.format_exc()}\nThe input is in {path}. To meet it again: "
        f"run.py --seed {task.seed} --first {first} --{task.kind} {number - first + 1} --{other} 0"
    )


def _watched(task: Task) -> Counter[str]:
    """Run in a process of its own, which a hang ends with a traceback."""
    faulthandler.dump_traceback_later(_LONGEST_SECONDS, exit=True)
    try:
        return run(task)
    finally:
        faulthandler.cancel_dump_traceback_later()


def tasks(counts: dict[str, int], seed: int, first: int) -> Iterator[Task]:
    """Give all stretches, the servers' first: they take longest."""
    for kind in ("server", "parser"):
        end = first + counts[kind]
        for begin in range(first, end, _AT_ONCE[kind]):
            yield Task(kind, seed, range(begin, min(end, begin + _AT_ONCE[kind])))


def main() -> None:
    """Run, and print the outcomes by their number."""
    given = _arguments()
    print(f"seed {given.seed}", flush=True)
    counts = {"parser": given.parser, "server": given.server}
    outcomes: Counter[str] = Counter()
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        done = [pool.submit(_watched, task) for task in tasks(counts, given.seed, given.first)]
        for number, future in enumerate(as_completed(done), 1):
            try:
                outcomes.update(future.result())
            except Exception as error:  # noqa: BLE001 - also what a dead process raises
                pool.shutdown(cancel_futures=True)
                sys.exit(f"{error}\nFound with seed {given.seed}.")
            print(f"\r{number} of {len(done)} stretches", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    _report(outcomes, counts)


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--parser", type=int, default=1_000_000, help="files for the parser")
    options.add_argument("--server", type=int, default=10_000, help="streams for whole servers")
    options.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    options.add_argument("--first", type=int, default=0, help="number of the first of them")
    options.add_argument("--processes", type=int, default=os.cpu_count())
    return options.parse_args()


def _report(outcomes: Counter[str], counts: dict[str, int]) -> None:
    print(f"{counts['parser']:,} files, {counts['server']:,} streams; nothing found")
    for outcome, count in sorted(outcomes.items(), key=lambda found: (found[0][:4], -found[1])):
        print(f"{count:>12,}  {outcome}")


if __name__ == "__main__":
    main()
