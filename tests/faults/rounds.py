"""One upload of the kill loop: carried to its end over every death of the server."""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from unittest.mock import patch

from faults import reckoning
from faults.failpoints import RANDOM
from faults.plans import content, table, typed
from rollbook import (
    DeadlineExceededError,
    RollbookError,
    UnavailableError,
    UploadIncompleteError,
    _blocking,
    _sources,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faults.enrolling import Enroller
    from faults.plans import Plan
    from faults.supervisor import Supervisor
    from rollbook import AdminClient, Upload, UploadProgress

T = TypeVar("T")

TRIES = 30  # bounds what a user would do until it works
DISCARD_SECONDS = 120  # bounds a hang
LOOK_SECONDS = 0.005  # between looks at where the upload stands: leaves the core to the server
_AWAY = (UnavailableError, DeadlineExceededError, UploadIncompleteError)


class Uploading:
    """Carries out one plan; `reason` is how the server ended the upload, if it refused it."""

    def __init__(self, plan: Plan, admin: AdminClient) -> None:
        self.plan, self._admin = plan, admin
        self.profiles = ("", "")
        self.reason = ""

    @property
    def upload_id(self) -> str:
        """The name of the upload, and the beginning of those before it."""
        return f"u{self.plan.number}"

    def prepare(self) -> None:
        """Make the two profiles, with what they have before."""
        mine, theirs = (self._profile(name) for name in ("mine", "theirs"))
        self.profiles = (mine, theirs)
        for number, (profile, rows) in enumerate(zip(self.profiles, self.plan.base, strict=True)):
            source = partial(io.BytesIO, table(rows))
            self._admin.upload_devices(profile, source, upload_id=f"{self.upload_id}-base{number}")

    def finish(self, progress: Callable[[UploadProgress], None] | None = None) -> None:
        """Upload to the end, and remember the reason if the server refuses."""
        try:
            self._tried(partial(self.upload, self._admin, progress))
        except RollbookError as error:
            self.reason = error.reason

    def upload(
        self, admin: AdminClient, progress: Callable[[UploadProgress], None] | None
    ) -> Upload:
        """Upload once, in small messages."""
        plan, kind = self.plan, self.plan.kind
        upload: Callable[..., Upload] = admin.upload_rows if plan.typed else admin.upload_devices
        with _cut(plan):
            return upload(
                self.profiles[0],
                partial(typed, plan.rows) if plan.typed else partial(io.BytesIO, content(plan)),
                upload_id=self.upload_id,
                on_invalid_row=kind.on_invalid_row,
                on_conflict=kind.on_conflict,
                validate_only=kind.validate_only,
                progress=progress,
            )

    def _profile(self, name: str) -> str:
        return self._admin.create_profile(f"{self.plan.number} {name}", tokenless=True).profile_id

    def _tried(self, call: Callable[[], T]) -> T:
        """Call; there is nothing that it would have to be called again for."""
        return call()


class Round(Uploading):
    """Carries out one plan under fire."""

    def __init__(
        self, plan: Plan, admin: AdminClient, supervisor: Supervisor, enroller: Enroller
    ) -> None:
        super().__init__(plan, admin)
        self._supervisor, self._enroller = supervisor, enroller
        self._database = supervisor.database
        self._discarding = threading.Lock()
        self._discarded, self._over = threading.Event(), threading.Event()

    def run(self) -> None:
        """Upload what the profiles have before in peace, and then the rows under fire."""
        self.prepare()
        self._supervisor.arm(self.plan.failpoints)
        with self._striking():
            self.finish(self._follow)

    def await_answer(self) -> None:
        """Ask until the server answers: a death that was under way is over then."""
        self._tried(lambda: self._admin.get_upload(self.upload_id))

    @contextmanager
    def _striking(self) -> Iterator[None]:
        """Look after random moments meanwhile, if there are to be any."""
        striking = threading.Thread(target=self._strike)
        if any(armed.failpoint.name == RANDOM for armed in self.plan.failpoints):
            striking.start()
        try:
            yield
        finally:
            self._over.set()
            if striking.is_alive():
                striking.join()

    def _strike(self) -> None:
        """Kill the server at random moments: wherever it is once so many rows are committed."""
        while not self._over.wait(LOOK_SECONDS):
            committed = reckoning.committed_rows(self._database, self.upload_id)
            if self._supervisor.due(100 * committed // len(self.plan.rows)):
                self._supervisor.strike()

    def _follow(self, progress: UploadProgress) -> None:
        """Do what is to happen meanwhile; called behind each message, in no thread of ours."""
        sent, total = progress.sent_rows, progress.total_rows
        if not self.plan.typed:
            sent, total = progress.sent_bytes, progress.total_bytes
        hundredths = 100 * sent // (total or 1)
        self._enroller.enroll(self.plan, hundredths)
        if self.plan.kind.discarded and hundredths >= self.plan.discard_at:
            self._discard()

    def _discard(self) -> None:
        """Discard the upload; whoever comes here waits, so that `finish` is never before it."""
        if self._discarding.acquire(blocking=False):
            try:
                self._await_discarded()
            finally:
                self._discarded.set()
        assert self._discarded.wait(DISCARD_SECONDS)

    def _await_discarded(self) -> None:
        """Discard once there is something to be taken back: the client may be far ahead."""
        end = time.monotonic() + DISCARD_SECONDS
        while not reckoning.committed_rows(self._database, self.upload_id):
            assert time.monotonic() < end, "nothing was ever committed"
            time.sleep(LOOK_SECONDS)
        self._tried(lambda: self._admin.discard_upload(self.upload_id))

    def _tried(self, call: Callable[[], T]) -> T:
        """Call again whenever the server was away, as its users do."""
        for _ in range(TRIES):
            self._supervisor.await_running()
            try:
                return call()
            except _AWAY as error:
                last = error
        raise last


@contextmanager
def _cut(plan: Plan) -> Iterator[None]:
    """Let the client send small messages, and not wait for those that wait for a discard."""
    name = "_ROWS_PER_MESSAGE" if plan.typed else "_CHUNK_BYTES"
    small = patch.object(_sources, name, plan.chunk)
    with small, patch.object(_blocking, "_SOURCE_SECONDS", 0.0):
        yield
