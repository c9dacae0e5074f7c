"""What is stored of uploads, and of what ends with them, as Protocols; as in `repositories`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import DeviceRow, RowError
    from rollbook_server.domain.error_blocks import RowErrors
    from rollbook_server.domain.pages import Cursor
    from rollbook_server.domain.uploads import Counts, Progress, Upload, UploadState


class DeviceCounts(NamedTuple):
    """Devices by their state."""

    pending: int
    registered: int


class Uploads(Protocol):
    """Uploads with their errors, claims and staged rows."""

    def add(self, upload: Upload) -> None:
        """Add a new upload."""

    def get(self, upload_id: str) -> Upload | None:
        """Give the upload, without its errors."""

    def take_up(self, upload: Upload) -> Upload:
        """Give the upload the next epoch, so that earlier streams lose it."""

    def holds(self, upload: Upload, at: Progress | None = None) -> bool:
        """Tell whether the upload is OPEN and no later stream has taken it up.

        And whether it stands `at` a position, if one is given.
        """

    def advance(self, upload: Upload, progress: Progress, counts: Counts, now: datetime) -> None:
        """Move the position and add to the counts."""

    def end(self, upload: Upload, state: UploadState, failure_reason: str, now: datetime) -> None:
        """Give the upload its last state."""

    def recount(self, upload_id: str, counts: Counts) -> None:
        """Replace the counts."""

    def errors(self, upload_id: str, *, after: int, limit: int) -> Iterator[RowError]:
        """Give at most `limit` errors of rows behind row `after`, in order of row, one by one."""

    def add_errors(self, upload_id: str, errors: RowErrors) -> None:
        """Add errors; a row has one at most."""

    def claims(self, upload_id: str, keys: Iterable[str]) -> dict[str, int]:
        """Give those of the keys that earlier rows claimed, with their lines."""

    def claim(self, upload_id: str, claims: Mapping[str, int]) -> None:
        """Remember claims, replacing those on the same keys."""

    def unclaim(self, upload_id: str, limit: int) -> bool:
        """Forget at most `limit` claims of the upload; True if there may be more."""

    def stage(self, upload_id: str, rows: Iterable[DeviceRow]) -> None:
        """Keep rows that are to be written when the upload ends."""

    def staged(self, upload_id: str, *, after: int, limit: int) -> list[DeviceRow]:
        """Give at most `limit` staged rows behind row `after`, in order of row."""

    def unstage(self, upload_id: str, *, through: int) -> None:
        """Forget the staged rows up to row `through`."""

    def list(self, profile_id: str, *, after: Cursor | None, limit: int) -> Sequence[Upload]:
        """Give at most `limit` uploads behind `after` (create_time, upload_id), newest first."""

    def devices_of(self, upload_id: str) -> DeviceCounts:
        """Count the devices that the upload put in and was the last to write, closed or not."""

    def stayed_of(self, upload_id: str) -> int:
        """Count what stayed of an ended upload: REGISTERED devices that it was the last to write.

        Those of other uploads that it changed are among them, for once it is swept up
        nothing tells them apart.
        """

    def discard(self, upload_id: str, now: datetime) -> None:
        """Make the upload DISCARDED, whatever it was."""


class Leftovers(Protocol):
    """What ended uploads and deleted profiles left behind; no other repository shows it.

    That is claims, staged rows and preparations of uploads that are not OPEN, PENDING
    devices of those that FAILED or were DISCARDED, and all that belonged to a deleted
    profile. None of it counts in any profile.
    """

    def end_profile(self, profile_id: str) -> None:
        """Delete a profile and its tokens; its devices and uploads become leftovers."""

    def evict(self, rows: Iterable[DeviceRow], *, sparing: str = "") -> None:
        """Remove leftover devices that hold a key of the rows, so that the keys are free.

        And closed ones, but those of the upload `sparing`; see `preparing`.
        """

    def sweep(self, limit: int) -> bool:
        """Remove a piece, at most `limit` of each kind; True if there may be more."""
