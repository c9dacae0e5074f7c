"""Guessers against a server: wrong tokens, and a sweep of the IMEIs of one model.

`python attack.py TOKENS IMEIS TIMINGS` prints what they got, what the audit log says of
it, and how honest devices fared meanwhile; it fails if a guess was accepted, an honest device
refused or no alarm raised.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from benchmarks import alike, guessers, honest
from benchmarks.servers import fresh_server
from faults.proxy import Proxy
from rollbook import DeviceRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.honest import Honest
    from running import ServerProcess

ON_ROLL = 1_000  # devices among the IMEIs that are swept, anywhere
SEED = 5
ELSEWHERE = "127.0.9.1"  # in another network than the guessers
IDLE_SECONDS = 3.0
LONGEST_SECONDS = 400.0  # of one kind of guesses


@dataclass
class Report:
    """What guessers got, by kind; and of honest devices what they waited and why in vain."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    alarms: Counter[str] = field(default_factory=Counter)
    honest: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    victims: int = 0

    @property
    def accepted(self) -> int:
        """How many guesses opened anything: by their answers, or by what the roll says."""
        found = sum(outcomes["REGISTERED"] for outcomes in self.outcomes.values())
        # Whose token was right, but not the device, got in as well.
        opened = self.outcomes.get("tokens", Counter())["NOT_REGISTERED"]
        return opened + max(found, self.victims)

    def lines(self) -> Iterator[str]:
        """Give it in words."""
        for kind, outcomes in self.outcomes.items():
            counts = ", ".join(f"{n:,} {outcome}" for outcome, n in outcomes.items() if n)
            yield f"{kind}: {counts}"
        swept = self.outcomes.get("sweep", Counter())
        tried = guessers.A_CALL * (swept["NOT_REGISTERED"] + swept["REGISTERED"])
        chance = tried * ON_ROLL / 10**6
        yield f"accepted: {self.accepted} ({tried} IMEIs looked up, {chance:.2f} hit by chance)"
        yield f"alarms: {dict(self.alarms)}"
        yield from self.honest
        yield f"honest devices refused: {dict(self.refused) or 0}"


def run(server: ServerProcess, counts: dict[str, int], idle_seconds: float) -> Report:
    """Let guessers in, one kind after the other, while honest devices enroll."""
    report = Report()
    with server.admin() as admin, Proxy(server.address, None, ELSEWHERE) as proxy:
        places = Random(SEED).sample(range(10**6), ON_ROLL)
        rows = [DeviceRow(imei=f"{guessers.MODEL}{place:06}") for place in places]
        swept = admin.create_profile("Swept", tokenless=True).profile_id
        admin.upload_rows(swept, rows)
        crowd = honest.settle(admin, server.address, proxy.address)
        with ExitStack() as enrolling:
            for each in crowd:
                enrolling.enter_context(each)
            time.sleep(idle_seconds)
        _note(report, "idle", crowd)
        for kind, count in counts.items():
            with ExitStack() as enrolling:
                for each in crowd:
                    enrolling.enter_context(each)
                report.outcomes[kind] = _guess(server.address, kind, count)
            _note(report, kind, crowd)
        report.victims = admin.get_profile(swept).registered_count
        events = admin.list_audit_events(action="RaiseAlarm")
        report.alarms.update(event.reason for event in events)
    return report


def _note(report: Report, meanwhile: str, crowd: list[Honest]) -> None:
    for each in crowd:
        if each.seconds:
            p50, p99 = each.percentile(0.5), each.percentile(0.99)
            report.honest.append(
                f"{meanwhile:<7} {each.kind:<30} {len(each.seconds):>7,} enrollments, "
                f"p50 {p50:6.1f} ms, p99 {p99:6.1f} ms"
            )
        report.refused.update(each.refused)


def _guess(address: str, kind: str, count: int) -> Counter[str]:
    command = [sys.executable, guessers.__file__, address, kind, str(count), str(LONGEST_SECONDS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Counter(json.loads(done.stdout))


def _compare(server: ServerProcess, kinds: alike.Kinds, timings: int) -> None:
    for line in alike.lines(alike.measure(server, kinds, timings)):
        print(f"  {line}", flush=True)


def main(tokens: int = 10_000, imeis: int = 10**6, timings: int = 2_000) -> None:
    """Run both, and say at the end whether all is well."""
    with tempfile.TemporaryDirectory() as folder:
        with fresh_server(Path(folder) / "timings") as server, server.admin() as admin:
            print(f"why a token is refused, {timings:,} calls each, against an unknown one:")
            _compare(server, alike.tokens(admin, server), timings)
            for which, kinds in alike.devices(admin).items():
                print(f"why a device is refused with {which}, against an unknown one:")
                _compare(server, kinds, timings)
        with fresh_server(Path(folder) / "attack") as server:
            report = run(server, {"tokens": tokens, "sweep": imeis}, IDLE_SECONDS)
    for line in report.lines():
        print(line)
    sys.exit(bool(report.accepted or report.refused or not report.alarms))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
