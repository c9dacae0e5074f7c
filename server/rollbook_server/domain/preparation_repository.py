"""What is stored while the end of an upload is prepared, as a Protocol; as in `repositories`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.conflicts import Change
    from rollbook_server.domain.devices import Device, DeviceRow
    from rollbook_server.domain.upload_repository import DeviceCounts
    from rollbook_server.domain.uploads import Upload


@dataclass(frozen=True, slots=True)
class Preparation:
    """How far the end of an upload is prepared, and what the rows up to there do.

    Those that are neither created nor unchanged are laid down, or put off.
    """

    through_row: int = 0
    created: int = 0
    unchanged: int = 0


class Preparations(Protocol):
    """What uploads under FAIL have prepared for their last transaction; see `preparing`."""

    def get(self, upload_id: str) -> Preparation | None:
        """Tell how far it is; None if it is not begun."""

    def reach(self, upload: Upload, preparation: Preparation, now: datetime) -> None:
        """Note how far it is, and when that was."""

    def lay_down(self, upload: Upload, changes: Sequence[Change]) -> None:
        """Keep what is to be written over devices that keep their keys."""

    def put_off(self, upload_id: str, rows: Iterable[DeviceRow]) -> None:
        """Note staged rows that are to be judged at the end."""

    def note_left(
        self, upload_id: str, rows: Sequence[DeviceRow], devices: Sequence[Device]
    ) -> None:
        """Note rows that leave their devices as they are."""

    def note_same(self, upload_id: str, rows: Sequence[int], devices: Sequence[int]) -> None:
        """Note the same, all given by their numbers."""

    def put_off_outdated(self, upload_id: str, rows: range) -> int:
        """Put those of the rows off for which something is laid down that does not fit any more.

        For their devices are gone, or are not what they were. Gives how many rows it were.
        """

    def put_off_unlike(self, upload_id: str, rows: range) -> int:
        """Do the same with rows that left their devices as they were; gives how many it were."""

    def profiles_of(self, upload_id: str) -> Mapping[str, DeviceCounts]:
        """Count the devices that are to be written over, by the profiles they are in."""

    def write_over(self, upload: Upload, now: datetime) -> int:
        """Write over all devices what is laid down for them; gives how many there are."""

    def rows_put_off(self, upload_id: str, *, after: int, limit: int) -> Sequence[DeviceRow]:
        """Give at most `limit` rows behind row `after` that were put off, in order of row."""

    def forget(self, upload_id: str, limit: int) -> bool:
        """Remove a piece of all that, at most `limit` of each kind; True if there may be more.

        Also the closed devices of the upload, and errors of rows that were judged at its end.
        From the first piece on none of it counts as prepared.
        """

    def forget_idle(self, since: datetime, limit: int) -> bool:
        """Remove such a piece, but no errors, of an OPEN upload that reached nothing since then."""
