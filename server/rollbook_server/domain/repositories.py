"""What is stored of every noun, as Protocols that a store fulfils.

Every method belongs to the transaction in which its `ports.Roll` was handed out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import Device, DeviceRow, RowError
    from rollbook_server.domain.inventory import InventoryPiece
    from rollbook_server.domain.matching import Candidates, Presented
    from rollbook_server.domain.pages import Cursor
    from rollbook_server.domain.profiles import Profile, ProfileQuery
    from rollbook_server.domain.tokens import Token
    from rollbook_server.domain.uploads import Counts, Progress, Upload, UploadState
    from rollbook_server.domain.users import User


class Profiles(Protocol):
    """The profiles of the roll."""

    def add(self, profile: Profile) -> bool:
        """Add the profile; False if its name is taken."""

    def get(self, profile_id: str) -> Profile | None:
        """Give the profile."""

    def list(self, query: ProfileQuery, *, after: Cursor | None, limit: int) -> list[Profile]:
        """Give at most `limit` profiles behind `after` (sort key, profile_id)."""

    def move_counts(self, profile_id: str, now: datetime, *, pending: int, registered: int) -> None:
        """Add to the device counts, and note that devices changed."""


class Tokens(Protocol):
    """The enrollment tokens."""

    def add(self, token: Token) -> None:
        """Add the token as the current one of its profile."""

    def current(self, profile_id: str) -> Token | None:
        """Give a profile's current token."""

    def find(self, digest: bytes) -> Token | None:
        """Give the token with that digest, whatever its state."""

    def count_use(self, token_id: str, now: datetime) -> None:
        """Note that the token was used."""


class Users(Protocol):
    """The users to whom profiles and devices are given."""

    def get(self, user_id: str) -> User | None:
        """Give the user."""


class PackedRows(Protocol):
    """Rows in the form in which the store takes them; made outside a transaction."""

    @property
    def rows(self) -> Sequence[DeviceRow]:
        """The rows themselves, in their order."""

    @property
    def attribute_names(self) -> Sequence[str]:
        """The names of the attributes that the rows have."""

    @property
    def crosses_itself(self) -> bool:
        """Tell whether one row's first IMEI is another's second."""


class Devices(Protocol):
    """The devices of the roll."""

    def pack(self, rows: Sequence[DeviceRow], columns: Sequence[str] = ()) -> PackedRows:
        """Prepare rows for insert; needs no transaction.

        Attributes first seen in them are remembered in the order of `columns`, those
        that are not among these as they come.
        """

    def insert(self, upload: Upload, packed: PackedRows, now: datetime) -> list[DeviceRow]:
        """Put rows on the roll as PENDING devices of the upload's profile, in order.

        Gives back, in order, the rows of which a key was taken already (first
        IMEI against first IMEI, second against second, serial number with
        manufacturer); a row earlier in the list takes its keys first.
        """

    def holders(self, rows: Sequence[DeviceRow]) -> list[list[Device]]:
        """Give for each row the distinct devices that hold any of its keys."""

    def change(self, devices: Sequence[Device]) -> None:
        """Write changed devices, one after another."""

    def attribute_names(self, profile_id: str, *, limit: int) -> list[str]:
        """Give at most `limit` attribute names that devices have, or had; first used first.

        Those of one profile, or of all if `profile_id` is empty.
        """

    def attribute_names_in_use(self, profile_id: str) -> list[str]:
        """Give all names that devices of a profile have now; takes a look at each of them."""

    def crosses(self, packed: PackedRows) -> bool:
        """Tell whether a first IMEI of the rows is a second one of the roll, or reverse.

        `insert` does not see that.
        """

    def candidates(self, presented: Presented) -> Candidates:
        """Give the devices that hold a presented key."""

    def register(self, device: Device, request_id: str, now: datetime) -> Device:
        """Make the device REGISTERED, since now if it was PENDING; remember the request."""


class Inventory(Protocol):
    """The devices of profiles, as they leave for a file.

    Devices that go with an upload which FAILED or was DISCARDED are not among them.
    """

    def end(self) -> int:
        """Give a number above those of all devices so far."""

    def piece(
        self, profile_id: str, *, after: int, before: int, width: int
    ) -> InventoryPiece | None:
        """Give the next devices in order of number, or None if there are no more.

        As many as may be held at once, if each is told in `width` columns and more.
        """


class Uploads(Protocol):
    """Uploads with their errors, claims and staged rows."""

    def add(self, upload: Upload) -> None:
        """Add a new upload."""

    def get(self, upload_id: str) -> Upload | None:
        """Give the upload, without its errors."""

    def take_up(self, upload: Upload) -> Upload:
        """Give the upload the next epoch, so that earlier streams lose it."""

    def holds(self, upload: Upload) -> bool:
        """Tell whether the upload is OPEN and no later stream has taken it up."""

    def advance(self, upload: Upload, progress: Progress, counts: Counts, now: datetime) -> None:
        """Move the position and add to the counts."""

    def end(self, upload: Upload, state: UploadState, failure_reason: str, now: datetime) -> None:
        """Give the upload its last state."""

    def recount(self, upload_id: str, counts: Counts) -> None:
        """Replace the counts."""

    def errors(self, upload_id: str, *, after: int, limit: int) -> Iterator[RowError]:
        """Give at most `limit` errors of rows behind row `after`, in order of row, one by one."""

    def add_errors(self, upload_id: str, errors: Iterable[RowError]) -> None:
        """Add errors; a row has one at most."""

    def claims(self, upload_id: str, keys: Iterable[str]) -> dict[str, int]:
        """Give those of the keys that earlier rows claimed, with their lines."""

    def claim(self, upload_id: str, claims: Mapping[str, int]) -> None:
        """Remember claims, replacing those on the same keys."""

    def stage(self, upload_id: str, rows: Iterable[DeviceRow]) -> None:
        """Keep rows that are to be written when the upload ends."""

    def staged(self, upload_id: str, *, after: int, limit: int) -> list[DeviceRow]:
        """Give at most `limit` staged rows behind row `after`, in order of row."""

    def sweep(self, now: datetime, limit: int) -> bool:
        """Remove a piece of what ended uploads left behind; True if there may be more.

        That is claims, staged rows (at most `limit` of each), and the PENDING
        devices of those that FAILED or were DISCARDED (of one batch).
        """


class Answers(Protocol):
    """Answers that were given, to be given again for the same request_id."""

    def recall(self, request_id: str) -> tuple[bytes, bytes] | None:
        """Give the digest of the request and the answer."""

    def keep(self, request_id: str, digest: bytes, answer: bytes, now: datetime) -> None:
        """Keep an answer; those older than two days may be forgotten."""
