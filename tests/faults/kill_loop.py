"""Kills a server again and again in the middle of uploads, and counts what is lost or doubled."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from faults import plans, reckoning
from faults.enrolling import Enroller
from faults.failpoints import FAILPOINTS
from faults.reckoning import Findings
from faults.rounds import LOOK_SECONDS, Round
from faults.supervisor import Supervisor
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.failpoints import Failpoint

SWEEP_SECONDS = 120  # bounds a hang
FEW_BATCHES = 4  # of one upload at least: without many there are no moments to die at
MANY = 100  # kills among which every failpoint has to be


@dataclass
class Report:
    """What a run of the loop did and found."""

    seed: int
    uploads: int = 0
    enrolled: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing at all was found."""
        found = self.findings
        return not (found.lost or found.doubled or found.faults)

    def lines(self) -> Iterator[str]:
        """Give the report as text."""
        yield f"{'server killed at':<42} times"
        for point in FAILPOINTS:
            yield f"{point.name:<42} {self.kills[point.name]:>5}"
        found = self.findings
        yield (
            f"seed {self.seed}: {self.kills.total()} kills in {self.uploads} uploads, "
            f"{self.enrolled} devices enrolled meanwhile: lost {found.lost}, "
            f"doubled {found.doubled}, other faults {len(found.faults)}"
        )
        yield from found.faults


class KillLoop:
    """Draws one upload after the other until the server was killed often enough."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.report, self._dice = Report(seed), random.Random(seed)
        # Devices switch on that are not on the roll yet: none is to wait for that.
        options = ("--max-rows", str(plans.MOST_ROWS), "--wrong-devices", "1000000")
        process = ServerProcess(folder / "data", *options, module=("faults.serving", str(folder)))
        self._supervisor = Supervisor(process, folder)
        self._database = self._supervisor.database
        self._admin = process.admin()
        self._enroller = Enroller(process.address, self._dice)
        self._rounds: list[Round] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._enroller.close()
        self._admin.close()
        self._supervisor.close()

    def run(self, kills: int) -> None:
        """Run until so many kills, or until it is plain that they do not come."""
        for number, point in zip(range(1, 4 * kills), self._points(), strict=False):
            self._round(number, point)
            if self._supervisor.kills.total() >= kills:
                break

    def _points(self) -> Iterator[Failpoint]:
        """Give every failpoint equally often, in an order of chance."""
        while True:
            yield from self._dice.sample(FAILPOINTS, len(FAILPOINTS))

    def _round(self, number: int, point: Failpoint) -> None:
        dice = random.Random(f"{self.report.seed} {number}")
        plan = plans.draw(dice, number, point)
        done = Round(plan, self._admin, self._supervisor, self._enroller)
        done.run()
        self._await_swept()
        self._supervisor.disarm()
        done.await_answer()
        self._enroller.settle()
        reckoning.reckon(self._database, done, self.report.findings)
        self._rounds.append(done)

    def _await_swept(self) -> None:
        """Ask until nothing is left; the server may be killed in it, too."""
        end = time.monotonic() + SWEEP_SECONDS
        while reckoning.leftovers(self._database):
            self._supervisor.await_running()
            assert time.monotonic() < end, reckoning.leftovers(self._database)
            time.sleep(LOOK_SECONDS)

    def conclude(self, kills: int) -> Report:
        """Reckon all once more, now that all has ended: a later upload may have harmed others."""
        report, findings, done = self.report, self.report.findings, self._supervisor.kills
        for each in self._rounds:
            reckoning.reckon(self._database, each, findings)
        reckoning.check_whole(self._database, self._enroller.told, findings)
        report.uploads, report.enrolled = len(self._rounds), len(self._enroller.told)
        report.kills = done
        findings.faults += [*self._supervisor.crashes, *self._enroller.faults]
        findings.check(f"only {done.total()} kills", holds=done.total() >= kills)
        if kills >= MANY:  # of a few uploads, all may have been taken back
            pieces = reckoning.most_batches(self._database)
            findings.check(f"no upload had more than {pieces} batches", holds=pieces >= FEW_BATCHES)
            never = [point.name for point in FAILPOINTS if not done[point.name]]
            findings.check(f"never killed at: {never}", holds=not never)
        return report


def run(folder: Path, kills: int, seed: int) -> Report:
    """Run the loop in an empty folder."""
    with KillLoop(folder, seed) as loop:
        loop.run(kills)
    return loop.conclude(kills)
