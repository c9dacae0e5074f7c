"""What is stored of every noun, as Protocols that a store fulfils.

Every method belongs to the transaction in which its `ports.Roll` was handed out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rollbook_server.domain.device_repository import DeviceLists

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import Device, DeviceRow
    from rollbook_server.domain.inventory import Beginning, InventoryPiece
    from rollbook_server.domain.left_out import LeftOut
    from rollbook_server.domain.matching import Candidates, Presented
    from rollbook_server.domain.pages import Cursor
    from rollbook_server.domain.profiles import Profile, ProfileQuery
    from rollbook_server.domain.row_blocks import DeviceRows
    from rollbook_server.domain.tokens import Token
    from rollbook_server.domain.users import User, UserQuery


class Profiles(Protocol):
    """The profiles of the roll."""

    def add(self, profile: Profile) -> bool:
        """Add the profile; False if its name is taken."""

    def change(self, profile: Profile) -> bool:
        """Write name, description, user and configuration; False if its name is taken."""

    def get(self, profile_id: str) -> Profile | None:
        """Give the profile."""

    def foresee(self) -> None:
        """Be told that profiles are read next, such as were read last."""

    def list(self, query: ProfileQuery, *, after: Cursor | None, limit: int) -> list[Profile]:
        """Give at most `limit` profiles behind `after` (sort key, profile_id)."""

    def move_counts(self, profile_id: str, now: datetime, *, pending: int, registered: int) -> None:
        """Add to the device counts, and note that devices changed."""

    def take_from(self, user_id: str, now: datetime) -> None:
        """Give every profile that was given to the user to none; each is a change of it."""


class Tokens(Protocol):
    """The enrollment tokens."""

    def add(self, token: Token) -> None:
        """Add the token as the current one of its profile."""

    def current(self, profile_id: str) -> Token | None:
        """Give a profile's current token."""

    def find(self, digest: bytes) -> Token | None:
        """Give the token with that digest, whatever its state."""

    def foresee(self, digests: Iterable[bytes]) -> None:
        """Be told which digests `find` is given next, so that no time is lost over each."""

    def count_use(self, token_id: str, now: datetime, count: int = 1) -> None:
        """Note that the token was used, `count` times."""

    def void(self, profile_id: str, instant: datetime) -> None:
        """Let no token of the profile work from that instant on; those that end earlier stay."""

    def extend(self, token_id: str, expire_time: datetime) -> None:
        """Set when the token expires."""

    def void_all(self, instant: datetime) -> int:
        """Let no token at all work from that instant on; gives how many would have."""

    def end(self, token_id: str, instant: datetime) -> None:
        """Let one token work no longer than to that instant."""

    def sealing_mark(self, mark: int) -> int:
        """Give the mark of the key that all is sealed with; the first that was asked with."""

    def epoch(self) -> int:
        """Count how often tokens were voided or removed: an older database counts less."""

    def sealed_otherwise(self, mark: bytes, *, after: str, limit: int) -> Sequence[Token]:
        """Give at most `limit` tokens behind the id `after` whose sealed value begins otherwise."""

    def outermost(self) -> Sequence[Token]:
        """Give the first and the last one, by when they were made and by id, however many are."""

    def count_sealed_otherwise(self, mark: bytes) -> int:
        """Give how many tokens have a sealed value that begins otherwise."""

    def reseal(self, token_id: str, sealed_value: bytes) -> None:
        """Replace the sealed value."""


class Users(Protocol):
    """The users to whom profiles and devices are given."""

    def get(self, user_id: str) -> User | None:
        """Give the user."""

    def foresee(self) -> None:
        """Be told that users are read next, such as were read last."""

    def find(self, key: str) -> User | None:
        """Give the user whose name has this `names.name_key`."""

    def list(self, query: UserQuery, *, after: Cursor | None, limit: int) -> list[User]:
        """Give at most `limit` users by name behind `after` (name key, user_id)."""

    def add(self, user: User) -> None:
        """Add a new user, whose name must be free."""

    def change(self, user: User) -> None:
        """Write a changed user, whose name must be free or its own."""

    def rehash(self, user: User, password_hash: str) -> None:
        """Write the same password hashed anew, unless it changed; no change of the user."""

    def delete(self, user_id: str) -> None:
        """Remove the user."""


class PackedRows(Protocol):
    """Rows in the form in which the store takes them; made outside a transaction."""

    @property
    def rows(self) -> DeviceRows:
        """The rows themselves, in their order."""

    @property
    def attribute_names(self) -> Sequence[str]:
        """The names of the attributes that the rows have."""

    @property
    def crosses_itself(self) -> bool:
        """Tell whether one row's first IMEI is another's second."""


class Packing(Protocol):
    """Packs rows as they come, and again and again."""

    def add(self, rows: Sequence[DeviceRow]) -> None:
        """Put rows behind those that were added."""

    def take(self, columns: Sequence[str] = ()) -> PackedRows:
        """Give what was added, and begin anew; `columns` as in Devices.pack."""


class Origin(Protocol):
    """Where rows come from: the profile they go to, and the upload, empty for none."""

    @property
    def profile_id(self) -> str: ...  # noqa: D102 - as in Device
    @property
    def upload_id(self) -> str: ...  # noqa: D102


class Devices(DeviceLists, Protocol):
    """The devices of the roll."""

    def pack(self, rows: Sequence[DeviceRow], columns: Sequence[str] = ()) -> PackedRows:
        """Prepare rows for insert; needs no transaction.

        Attributes first seen in them are remembered in the order of `columns`, those
        that are not among these as they come.
        """

    def number_from(self, number: int) -> None:
        """Give new devices ids from that number on at least."""

    def insert(self, upload: Origin, packed: PackedRows, now: datetime) -> LeftOut:
        """Put rows on the roll as PENDING devices of the origin's profile, in order.

        Tells of the rows that were left out because a key was taken
        already (first IMEI against first IMEI, second against second, serial number
        with manufacturer); a row earlier in the list takes its keys first.
        """

    def holders(self, rows: Sequence[DeviceRow]) -> list[list[Device]]:
        """Give for each row the distinct devices that hold any of its keys, oldest first."""

    def change(self, devices: Sequence[Device]) -> None:
        """Write changed devices, each once; keys that were another's must be released before."""

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
        """Give the devices that hold a presented key; takes as long if there are none."""

    def overlook(self, presented: Presented) -> None:
        """Ask what is asked besides of a device whose IMEIs are unknown, for one that is known.

        So that who is refused does not learn by the time that it takes which it was.
        """

    def candidates_of(self, presented: Sequence[Presented]) -> list[Candidates]:
        """Give the same for many, in order."""

    def register(self, device: Device, request_id: str, now: datetime) -> Device:
        """Make the device REGISTERED, since now if it was PENDING; remember the request."""

    def write_registered(self, devices: Sequence[Device]) -> None:
        """Write devices that `devices.registered` made of those on the roll."""

    def give_to(self, device: Device, user_id: str) -> Device:
        """Note who signed in on the device; `register`, which must follow, counts the change."""

    def take_from(self, user_id: str) -> None:
        """Give every device on which the user signed in to none; each is a change of it."""


class Inventory(Protocol):
    """The devices of profiles, as they leave for a file.

    Devices that go with an upload which FAILED or was DISCARDED are not among them.
    """

    def end(self) -> int:
        """Give a number above those of all devices so far."""

    def closed(self) -> Sequence[int]:
        """Give the uploads, as numbers, whose devices come onto the roll together, if at all."""

    def piece(
        self, profile_id: str, begun: Beginning, *, after: int, width: int
    ) -> InventoryPiece | None:
        """Give the next devices in order of number, or None if there are no more.

        Those that came too late for the file are not among them. As many as may be held at
        once, if each is told in `width` columns and more.
        """


class Answers(Protocol):
    """Sealed answers that were given, to be given again for the same request_id."""

    def recall(self, request_id: str, since: datetime) -> tuple[bytes, bytes] | None:
        """Give the digest of the request and the sealed answer, unless it is older."""

    def keep(self, request_id: str, digest: bytes, answer: bytes, now: datetime) -> None:
        """Keep a sealed answer, in the place of an older one to the same request_id."""

    def forget(self, before: datetime, limit: int) -> bool:
        """Remove at most `limit` answers that are older; True if there may be more."""

    def sealed_otherwise(
        self, mark: bytes, *, after: str, limit: int
    ) -> Sequence[tuple[str, bytes, bytes]]:
        """Give request_id, digest and answer of those behind `after` that begin otherwise."""

    def count_sealed_otherwise(self, mark: bytes) -> int:
        """Give how many answers begin otherwise."""

    def reseal(self, request_id: str, answer: bytes) -> None:
        """Replace the sealed answer."""
