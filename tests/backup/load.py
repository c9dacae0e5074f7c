"""A server at work while it is backed up: devices uploaded, enrolled and deleted, and noted."""

from __future__ import annotations

import io
import queue
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Self

from rollbook import AdminClient, EnrollmentAgent, EnrollOutcome
from uploads.wire import core, imei

if TYPE_CHECKING:
    from types import TracebackType

    from running import ServerProcess

ROWS = 11_000  # of an upload: more than one batch
ENROLLED, DELETED = 100, 10  # devices of each upload
WAIT_SECONDS = 120  # bounds a hang


def file(number: int) -> bytes:
    """Give the file of an upload."""
    lines = (f"{imei(each)},North\n" for each in range(number * ROWS, (number + 1) * ROWS))
    return ("imei,depot\n" + "".join(lines)).encode()


@dataclass(frozen=True)
class Ledger:
    """What was acknowledged by one moment; `leaving` are devices that were asked to be deleted."""

    devices: frozenset[str] = frozenset()
    registered: frozenset[str] = frozenset()
    leaving: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()


@dataclass
class Load:
    """Keeps three threads at work on a server, until the end of the block."""

    process: ServerProcess
    profile_id: str
    ledger: Ledger = field(default_factory=Ledger)

    def __enter__(self) -> Self:
        self._changed, self._over = threading.Condition(), threading.Event()
        self._failures: list[BaseException] = []
        self._to_enroll: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._to_delete: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, args=(work,))
            for work in (self._upload, self._enroll, self._delete)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._over.set()
        for waiting in (self._to_enroll, self._to_delete):
            waiting.put("")
        for thread in self._threads:
            thread.join()
        if kind is None and self._failures:
            raise self._failures[0]

    def await_registered(self, more: int) -> None:
        """Wait until the server has registered so many devices more, and told so."""
        with self._changed:
            goal = len(self.ledger.registered) + more
            assert self._changed.wait_for(
                lambda: len(self.ledger.registered) >= goal or self._failures, WAIT_SECONDS
            )

    def _run(self, work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:  # noqa: BLE001 - raised again by the test's thread
            with self._changed:
                self._failures.append(error)
                self._changed.notify_all()

    def _note(self, **more: frozenset[str]) -> None:
        with self._changed:
            both = {name: getattr(self.ledger, name) | each for name, each in more.items()}
            self.ledger = replace(self.ledger, **both)
            self._changed.notify_all()

    def _upload(self) -> None:
        with self.process.admin() as admin:
            for number in count():
                if self._over.is_set():
                    return
                self._upload_one(admin, number)

    def _upload_one(self, admin: AdminClient, number: int) -> None:
        source = partial(io.BytesIO, file(number))
        done = admin.upload_devices(self.profile_id, source, upload_id=f"u{number}")
        assert done.created_count == ROWS
        rows = [core(each) for each in range(number * ROWS, (number + 1) * ROWS)]
        self._note(devices=frozenset(rows))
        for place, row in enumerate(rows[: ENROLLED + DELETED]):
            (self._to_enroll if place < ENROLLED else self._to_delete).put(row)

    def _enroll(self) -> None:
        with EnrollmentAgent(self.process.address) as agent:
            while (found := self._to_enroll.get()) and not self._over.is_set():
                answer = agent.enroll_device(imeis=[found])
                assert answer.outcome is EnrollOutcome.REGISTERED
                self._note(registered=frozenset({found}))

    def _delete(self) -> None:
        with self.process.admin() as admin:
            while (found := self._to_delete.get()) and not self._over.is_set():
                self._note(leaving=frozenset({found}))
                (device,) = admin.list_devices(self.profile_id, identifier_prefix=found)
                admin.delete_devices([device.device_id])
                self._note(deleted=frozenset({found}))
