"""Two PostgreSQL under Patroni, and the etcd that says which of them is the primary."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from faults_postgres import programs
from faults_postgres.members import DATABASE, ROLE, STOP_SECONDS, Member, run_unprivileged
from postgres_server import unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

READY_SECONDS = 180  # bounds a hang; a new standby is a copy of the whole primary
LOOK_SECONDS = 0.1


@dataclass
class Cluster:
    """The members, one of which is the primary most of the time."""

    folder: Path
    members: Sequence[Member]

    @property
    def url(self) -> str:
        """Give what Rollbook is pointed at: all hosts, and of these the one that takes writes."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self.members)
        return f"postgresql://{ROLE}@{hosts}/{DATABASE}?target_session_attrs=read-write"

    def primary(self) -> Member:
        """Give the member that takes writes, once there is exactly one."""
        self.until(lambda: sum(member.is_primary() for member in self.members) == 1, "primary")
        return next(member for member in self.members if member.is_primary())

    def await_whole(self) -> Member:
        """Start what was killed, wait until the primary waits for the other; gives the primary."""
        for member in self.members:
            if not member.has_patroni:
                member.start()
        self.until(self._is_whole, "synchronous standby")
        return self.primary()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Look until it holds."""
        end = monotonic() + READY_SECONDS
        while not holds():
            assert monotonic() < end, f"there is no {what}\n{self._logs()}"
            Event().wait(LOOK_SECONDS)

    def _is_whole(self) -> bool:
        primaries = [member for member in self.members if member.is_primary()]
        others = [member for member in self.members if member not in primaries]
        return len(primaries) == 1 and all(member.is_synchronous() for member in others)

    def _logs(self) -> str:
        texts = [path.read_text().splitlines()[-20:] for path in sorted(self.folder.glob("*.log"))]
        return "\n".join(line for text in texts for line in text)


@contextmanager
def running() -> Iterator[Cluster]:
    """Make and run a cluster with an empty database, and leave nothing of it behind."""
    folder = Path(tempfile.mkdtemp(prefix="rollbook-cluster-"))
    user = unprivileged()
    if user:
        shutil.chown(folder, user.pw_uid, user.pw_gid)
    try:
        with _etcd(folder) as etcd_port, _members(folder, etcd_port) as members:
            cluster = Cluster(folder, members)
            cluster.await_whole().query(f"CREATE DATABASE {DATABASE}", "postgres")
            yield cluster
    finally:
        shutil.rmtree(folder)


@contextmanager
def _etcd(folder: Path) -> Iterator[int]:
    port, peer_port = programs.free_ports(2)
    urls, peer_urls = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    options = {
        "data-dir": str(folder / "etcd-data"),
        "listen-client-urls": urls,
        "advertise-client-urls": urls,
        "listen-peer-urls": peer_urls,
        "initial-advertise-peer-urls": peer_urls,
        "initial-cluster": f"default={peer_urls}",
    }
    said = [f"--{name}={value}" for name, value in options.items()]
    etcd = run_unprivileged([str(programs.find(programs.ETCD)), *said], folder, "etcd")
    try:
        yield port
    finally:
        _end(etcd)


@contextmanager
def _members(folder: Path, etcd_port: int) -> Iterator[Sequence[Member]]:
    one, one_api, two, two_api = programs.free_ports(4)
    members = [
        Member("one", folder, one, one_api, etcd_port),
        Member("two", folder, two, two_api, etcd_port),
    ]
    try:
        yield members
    finally:
        for member in members:
            member.stop()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
