"""Kills the primary again and again during an upload and a storm of enrollments, and counts."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING
from unittest.mock import patch

from faults_postgres import reckoning
from faults_postgres.reckoning import Tally
from faults_postgres.storm import PATIENCE_SECONDS, Probe, Storm
from rollbook import DeviceRow, _sources
from rollbook_server.domain.luhn import check_digit
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from faults_postgres.cluster import Cluster
    from faults_postgres.members import Member
    from faults_postgres.reckoning import Rows
    from faults_postgres.storm import Told
    from rollbook import UploadProgress

ROWS = 40_000  # of each upload: several batches
DEVICES = 4_000  # that switch on
MESSAGE_BYTES = 16_384  # small, so that the primary dies at many places of an upload
_SAID = 6_000  # characters of a log tell why a run broke off
LONGEST_PAUSE = 0.3  # seconds, at most, between a place in the file and the kill
WITH_PATRONI, ALONE, BACKEND = (
    "the primary and its Patroni",
    "the primary alone",
    "the process that writes",
)
KINDS = (WITH_PATRONI, ALONE, BACKEND)


@dataclass
class Report:
    """What a run did and found."""

    seed: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    failovers: int = 0
    rows: int = 0
    enrolled: int = 0
    events: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing at all was found."""
        return not (self.tally.lost or self.tally.doubled or self.tally.faults)

    def lines(self) -> Iterator[str]:
        """Give the report as text."""
        yield f"{'killed by SIGKILL':<30} times, and the seconds without service"
        for kind, seconds in self.seconds.items():
            yield f"{kind:<30} {len(seconds):>5}  {', '.join(f'{each:.1f}' for each in seconds)}"
        found = self.tally
        yield (
            f"seed {self.seed}: {sum(map(len, self.seconds.values()))} kills, after which "
            f"{self.failovers} times the other was primary; {self.rows} rows uploaded, "
            f"{self.enrolled} enrollments acknowledged, {self.events} audit events verified: "
            f"lost {found.lost}, doubled {found.doubled}, other faults {len(found.faults)}"
        )
        yield from found.faults


class Failovers:
    """Rounds on one cluster and one server, which is never started anew."""

    def __init__(self, cluster: Cluster, folder: Path, seed: int) -> None:
        self.report, self._cluster, self._seed = Report(seed), cluster, seed
        options = ("--database", cluster.url)
        self._process = ServerProcess(folder / "data", *options).start()
        self._admin = self._process.admin()

    def run(self, rounds: int) -> Report:
        """Run so many rounds, with each kind of kill in turn."""
        try:
            self._run(rounds)
        except BaseException as error:
            error.add_note(f"The server said:\n{self._process.log.read_text()[-_SAID:]}")
            raise
        finally:
            self._admin.close()
            status = self._process.terminate()
        said = self._process.log.read_text()
        self.report.tally.check(f"the server ended with {status}", holds=status == 0)
        self.report.tally.check(f"the server said:\n{said}", holds="Traceback" not in said)
        return self.report

    def _run(self, rounds: int) -> None:
        imeis = [_imei(0, number) for number in range(DEVICES + 1)]
        school = self._profile("School", imeis[1:])
        self._profile("Probe", imeis[:1], tokenless=True)
        token, dice = self._admin.reveal_token(school), random.Random(self._seed)
        storm = Storm(self._process.address, token, imeis[1:], dice)
        with storm, Probe(self._process.address, imeis[0]) as probe:
            uploads = [self._round(number, probe) for number in range(1, rounds + 1)]
        self._reckon(school, storm.told, uploads)

    def _reckon(self, school: str, told: Told, uploads: Sequence[tuple[str, Rows]]) -> None:
        """Count once more, now that all is over: a later failover may have taken what was there."""
        primary, report = self._cluster.await_whole(), self.report
        reckoning.check_enrollments(primary, school, told, report.tally)
        for upload_id, rows in uploads:
            reckoning.check_upload(primary, upload_id, rows, report.tally)
        report.events = reckoning.check_whole(primary, self._admin, report.tally)
        report.tally.faults += told.faults
        report.enrolled = told.acknowledged

    def _profile(self, name: str, imeis: Sequence[str], *, tokenless: bool = False) -> str:
        profile = self._admin.create_profile(name, tokenless=tokenless).profile_id
        self._admin.upload_rows(profile, [DeviceRow(imei=imei) for imei in imeis])
        return profile

    def _round(self, number: int, probe: Probe) -> tuple[str, Rows]:
        """Upload a file and kill once meanwhile; gives the upload and its rows."""
        dice, kind = random.Random(f"{self._seed} {number}"), KINDS[(number - 1) % len(KINDS)]
        primary = self._cluster.await_whole()
        killing = _Killing(partial(_kill, kind, primary), dice)
        imeis = [_imei(number, place) for place in range(ROWS)]
        upload_id = f"round-{number}"
        with patch.object(_sources, "_CHUNK_BYTES", MESSAGE_BYTES):
            upload = self._admin.upload_devices(
                self._admin.create_profile(f"Round {number}").profile_id,
                partial(BytesIO, _table(imeis)),
                upload_id=upload_id,
                progress=killing.follow,
            )
        self._conclude(kind, killing, probe, primary)
        self.report.tally.check(f"{upload_id}: {upload}", holds=upload.created_count == ROWS)
        self.report.rows += upload.created_count
        rows = [(imei, row, _attributes(row)) for row, imei in enumerate(imeis, 1)]
        reckoning.check_upload(self._cluster.primary(), upload_id, rows, self.report.tally)
        return upload_id, rows

    def _conclude(self, kind: str, killing: _Killing, probe: Probe, primary: Member) -> None:
        """Wait until there is service again, and note for how long there was none."""
        killing.join()
        served = probe.await_success(killing.time, PATIENCE_SECONDS)
        self.report.tally.check(f"no service after {kind} was killed", holds=served)
        if served:
            self.report.seconds[kind].append(probe.longest_gap(killing.time))
        self.report.failovers += self._cluster.primary() is not primary


class _Killing:
    """A kill that comes soon after so much of a file was sent."""

    def __init__(self, kill: Callable[[], None], dice: random.Random) -> None:
        self._share, self._pause = dice.random(), dice.uniform(0, LONGEST_PAUSE)
        self._kill, self.time = kill, 0.0
        self._thread = threading.Thread(target=self._run)

    def follow(self, progress: UploadProgress) -> None:
        """Note how far the upload is."""
        sent = progress.sent_bytes / (progress.total_bytes or 1)
        if sent >= self._share and self._thread.ident is None:
            self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        threading.Event().wait(self._pause)
        self.time = monotonic()
        self._kill()


def _kill(kind: str, primary: Member) -> None:
    if kind == WITH_PATRONI:
        primary.kill_patroni()
    if kind == BACKEND:
        primary.kill_backend()
    else:
        primary.kill_postmaster()


def _imei(number: int, place: int) -> str:
    return f"35{number:05}{place:07}"


def _attributes(row: int) -> str:
    return f'{{"site":"{row}"}}'


def _table(imeis: Sequence[str]) -> bytes:
    rows = (f"{imei}{check_digit(imei)},{row}\n" for row, imei in enumerate(imeis, 1))
    return ("imei,site\n" + "".join(rows)).encode()


def run(cluster: Cluster, folder: Path, rounds: int, seed: int) -> Report:
    """Run the rounds in an empty folder, on an empty cluster."""
    return Failovers(cluster, folder, seed).run(rounds)
