"""Clients that go away in the middle of uploads: cancelled, timed out, killed, cut off.

None of them has sent `finish`, so none of their uploads may be FINISHED. Then each is
resumed through the client library, and every row has to be there exactly once.
"""

from __future__ import annotations

import dataclasses
import random
import signal
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import grpc

from faults import plans, reckoning
from faults.failpoints import FINISHED, Failpoint
from faults.proxy import Proxy
from faults.reckoning import Findings
from faults.rounds import Uploading
from faults.serving import BATCH_ROWS, cut_small
from rollbook import AdminClient, RollbookError
from rollbook_server.config import Config
from rollbook_server.domain.upload_limits import UploadLimits
from running import Server
from uploads import wire as w

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 90  # bytes: a few rows
OPENED = 0.7  # share of cancelled streams that the server has begun with for sure
DEADLINE = (0.01, 0.1)  # seconds: from before the opening to behind the last row
WAIT_SECONDS = 60  # bounds a hang
KINDS = Failpoint("client lost", "", frozenset({*FINISHED, "fail, a bad row"}), 1)
WAYS = ("cancel", "deadline", "SIGKILL", "cut connection", "end without finish")

KILLED_CLIENT = textwrap.dedent("""
    import os, signal, sys
    from rollbook import AdminClient, OnConflict, OnInvalidRow, _sources

    address, api_key, profile_id, upload_id, path, chunk, hundredths, *options = sys.argv[1:]
    _sources._CHUNK_BYTES = int(chunk)

    def die(progress):
        if 100 * progress.sent_bytes >= int(hundredths) * progress.total_bytes:
            os.kill(os.getpid(), signal.SIGKILL)

    with AdminClient(address, api_key=api_key) as admin:
        admin.upload_devices(
            profile_id, path, upload_id=upload_id, progress=die,
            on_invalid_row=OnInvalidRow(options[0]), on_conflict=OnConflict(options[1]),
            validate_only=options[2] == "True",
        )
""")


@dataclass
class Report:
    """What a run did and found; `complete` counts uploads that ended without `finish`."""

    seed: int
    losses: Counter[str] = field(default_factory=Counter)
    complete: int = 0
    findings: Findings = field(default_factory=Findings)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing at all was found."""
        found = self.findings
        return not (self.complete or found.lost or found.doubled or found.faults)

    def lines(self) -> Iterator[str]:
        """Give the report as text."""
        yield f"{'client lost by':<42} times"
        for name in WAYS:
            yield f"{name:<42} {self.losses[name]:>5}"
        found = self.findings
        yield (
            f"seed {self.seed}: {self.losses.total()} clients lost: wrongly complete "
            f"{self.complete}, lost {found.lost}, doubled {found.doubled}, "
            f"other faults {len(found.faults)}"
        )
        yield from found.faults


class ClientLosses:
    """Loses one client after the other on a server in this process.

    It takes one stream at a time: when it takes another, the lost one is over.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.report, self._folder = Report(seed), folder
        limits = UploadLimits(plans.MOST_ROWS, BATCH_ROWS)
        config = Config(folder / "data", "127.0.0.1:0", upload_limits=limits, upload_streams=1)
        self._server = Server(config)
        self._admin, self._wire = self._server.admin(), w.Wire(self._server)
        self._database = config.default_database()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()
        self._wire.__exit__()
        self._server.stop()

    def run(self, losses: int) -> None:
        """Lose so many clients, in every way as often as in the others."""
        lose = (self._cancel, self._time_out, self._kill, self._cut, self._end)
        for number in range(1, losses + 1):
            dice = random.Random(f"{self.report.seed} {number}")
            plan = plans.draw(dice, number, KINDS)
            done = Uploading(plan, self._admin)
            done.prepare()
            lose[number % len(WAYS)](done, dice)
            self.report.losses[WAYS[number % len(WAYS)]] += 1
            w.until(lambda: not reckoning.leftovers(self._database))
            reckoning.reckon(self._database, done, self.report.findings)
        reckoning.check_counters(self._database, self.report.findings)

    def _cancel(self, done: Uploading, dice: random.Random) -> None:
        stream = self._wire.stream().send(self._part(done, dice))
        if dice.random() < OPENED:
            w.until(lambda: self._state(done) is not None)
        stream.cancel()
        self._check(done)
        done.finish()

    def _time_out(self, done: Uploading, dice: random.Random) -> None:
        stream = self._wire.stream(dice.uniform(*DEADLINE)).send(self._part(done, dice))
        w.until(stream.is_answered)
        stream.cancel()  # only its feeding is left
        self._check(done)
        done.finish()

    def _end(self, done: Uploading, dice: random.Random) -> None:
        """End in order: in Python a lost client may look like that to the server."""
        self._wire.send(self._part(done, dice))
        self._check(done)
        done.finish()

    def _kill(self, done: Uploading, dice: random.Random) -> None:
        done.plan = plan = replace(done.plan, typed=False, chunk=CHUNK)
        path = self._folder / "devices.csv"
        path.write_bytes(plans.content(plan))
        where = (self._server.address, self._server.api_key, done.profiles[0], done.upload_id)
        how = (path, CHUNK, dice.randrange(101), *plan.kind[:3])
        arguments = [str(argument) for argument in (*where, *how)]
        client = subprocess.run([sys.executable, "-c", KILLED_CLIENT, *arguments], check=False)
        killed = client.returncode == -signal.SIGKILL
        self.report.findings.check(f"{done.upload_id}: {client.returncode}", holds=killed)
        self._check(done)
        done.finish()

    def _cut(self, done: Uploading, dice: random.Random) -> None:
        length = sum(message.ByteSize() for message in _messages(done.plan))
        with Proxy(self._server.address, cut_after=dice.randint(1, length)) as proxy:
            client = threading.Thread(target=self._upload_through, args=(done, proxy))
            client.start()
            assert proxy.cut.wait(WAIT_SECONDS)
            self._check(done)
            proxy.mend()
            client.join()
        done.finish()

    def _upload_through(self, done: Uploading, proxy: Proxy) -> None:
        """Let the client library carry on by itself; if it has given up, we go on for it."""
        client = AdminClient(proxy.address, api_key=self._server.api_key)
        with client as admin, suppress(RollbookError):
            done.upload(admin, None)

    def _part(self, done: Uploading, dice: random.Random) -> Iterator[w.Message]:
        """Give the beginning of the content, perhaps all of it, without `finish`."""
        kind = done.plan.kind
        yield w.opening(
            done.profiles[0],
            done.upload_id,
            on_invalid_row=f"ON_INVALID_ROW_{kind.on_invalid_row}",
            on_conflict=f"ON_CONFLICT_{kind.on_conflict}",
            validate_only=kind.validate_only,
        )
        messages = list(_messages(done.plan))
        yield from messages[: dice.randint(0, len(messages))]

    def _check(self, done: Uploading) -> None:
        """See what the lost client left, once its stream is over."""
        w.until(lambda: self._takes_another(done))
        self.report.complete += self._state(done) == w.FINISHED

    def _takes_another(self, done: Uploading) -> bool:
        try:
            self._wire.send(w.opening(done.profiles[0], f"{done.upload_id}-next"))
        except grpc.RpcError as error:
            if w.refusal(error).reason != "TOO_MANY_UPLOADS":
                raise
            return False
        return True

    def _state(self, done: Uploading) -> int | None:
        """Give the state of the upload, or None if it was never opened."""
        try:
            return self._wire.upload(done.upload_id).state
        except grpc.RpcError as error:
            if w.refusal(error).reason != "UPLOAD_NOT_FOUND":
                raise
            return None


def _messages(plan: plans.Plan) -> Iterator[w.Message]:
    """Give the content in messages of the plan's size."""
    if not plan.typed:
        return w.csv(plans.content(plan), size=plan.chunk)
    rows = [w.Row(**dataclasses.asdict(row)) for row in plans.typed(plan.rows)]
    return w.rows(rows, size=plan.chunk)


def run(folder: Path, losses: int, seed: int) -> Report:
    """Run the loop in an empty folder."""
    with cut_small(), ClientLosses(folder, seed) as loop:
        loop.run(losses)
    return loop.report
