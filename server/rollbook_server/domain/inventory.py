"""The inventory of a profile as a CSV file: the seed's Download Existing Inventory.

An upload of the file gives the same devices. It is read piece by piece, each in a
transaction of its own, however slowly its reader takes it: no writer waits.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain import audit, clock, csv_writer, profiles
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.devices import DeviceState
from rollbook_server.domain.dialects import attribute_headers
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.luhn import with_check_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.ports import Roll, Store

# With the other columns they fill a header; see `columns.MOST_COLUMNS`.
MOST_ATTRIBUTES = 1_000
MESSAGE_BYTES = 256 * 1024
IDENTIFIER_COLUMNS = ("IMEI", "IMEI2", "Serial Number", "Manufacturer")
# An upload passes over columns that are called so; see `dialects.is_own`.
_OWN_COLUMNS = (
    "Rollbook Device ID",
    "Rollbook State",
    "Rollbook Registered",
    "Rollbook User",
    "Rollbook Upload",
    "Rollbook Line",
    "Rollbook Created",
    "Rollbook Updated",
)
_PENDING, _REGISTERED = str(DeviceState.PENDING), str(DeviceState.REGISTERED)
_RETRY_SECONDS = 1


class InventoryPiece(NamedTuple):
    """Devices that follow each other, by column; times are microseconds since 1970.

    Columns, not devices: 200,000 of these take longer to make than the file itself.
    `last` is the number of the last device, behind which the next piece begins.
    `users` are the names of those who signed in.
    """

    last: int
    device_ids: Sequence[str]
    imeis: Sequence[str]
    imeis2: Sequence[str]
    serial_numbers: Sequence[str]
    manufacturers: Sequence[str]
    attributes: Sequence[Mapping[str, str]]
    register_times: Sequence[int | None]
    users: Sequence[str]
    upload_ids: Sequence[str]
    source_lines: Sequence[int]
    create_times: Sequence[int]
    update_times: Sequence[int]


class Beginning(NamedTuple):
    """What holds for the whole file: its attributes, and which devices came too late for it.

    These have numbers from `end` on, or were put in by an upload that was `closed`.
    """

    names: Sequence[str]
    end: int
    closed: Sequence[int]


def export(store: Store, profile_id: str, now: datetime) -> Iterator[bytes]:
    """Give the file in pieces that fit messages: UTF-8 with BOM, CRLF.

    The audit log is told before the first piece. Devices that come onto the roll
    meanwhile are not in it. Raises RollbookError with PROFILE_NOT_FOUND, also if the
    profile is deleted meanwhile, INVENTORY_TOO_WIDE before the first piece, and
    INVENTORY_CHANGED if a device was given an attribute meanwhile for which the file
    has no column.
    """
    begun = store.read(lambda roll: _begin(roll, profile_id))
    subject = Subject(profile_id)
    store.write(lambda roll: audit.tell(roll, Action.EXPORT_DEVICES, now, subject))
    yield _header(begun.names).encode("utf-8-sig")
    after = 0
    while piece := store.read(lambda roll: _piece(roll, profile_id, begun, after)):  # noqa: B023 - read at once
        after = piece.last
        data = _lines(piece, begun.names).encode()
        for offset in range(0, len(data), MESSAGE_BYTES):
            yield data[offset : offset + MESSAGE_BYTES]


def _begin(roll: Roll, profile_id: str) -> Beginning:
    profiles.get(roll, profile_id)
    names = roll.devices.attribute_names(profile_id, limit=MOST_ATTRIBUTES + 1)
    if len(names) > MOST_ATTRIBUTES:  # some of them perhaps on devices that are gone
        names = roll.devices.attribute_names_in_use(profile_id)
    if len(names) > MOST_ATTRIBUTES:
        raise RollbookError(
            Reason.INVENTORY_TOO_WIDE,
            f"The devices of the profile have {len(names):,} attributes with different names; "
            f"a CSV file that can be uploaded again holds {MOST_ATTRIBUTES:,}. Take attributes "
            "off devices, or spread the devices over several profiles.",
            columns=len(names),
            limit=MOST_ATTRIBUTES,
        )
    return Beginning(names, roll.inventory.end(), roll.inventory.closed())


def _piece(roll: Roll, profile_id: str, begun: Beginning, after: int) -> InventoryPiece | None:
    profiles.get(roll, profile_id)
    width = len(begun.names)
    piece = roll.inventory.piece(profile_id, begun, after=after, width=width)
    if piece and not set(begun.names).issuperset(chain.from_iterable(piece.attributes)):
        raise RollbookError(
            Reason.INVENTORY_CHANGED,
            "While the inventory was written, a device was given an attribute for which the "
            "file has no column. Ask for the inventory anew.",
        ).retry_after(_RETRY_SECONDS)
    return piece


def _header(names: Sequence[str]) -> str:
    cells = [*IDENTIFIER_COLUMNS, *attribute_headers(names, IDENTIFIER_COLUMNS), *_OWN_COLUMNS]
    return csv_writer.lines([[cell] for cell in csv_writer.safe(cells)])


def _lines(piece: InventoryPiece, names: Sequence[str]) -> str:
    """Give the rows, in the order of the header."""
    columns = [
        with_check_digits(piece.imeis),
        with_check_digits(piece.imeis2),
        csv_writer.safe(piece.serial_numbers),
        csv_writer.safe(piece.manufacturers),
    ]
    columns += [
        csv_writer.safe([of_device.get(name, "") for of_device in piece.attributes])
        for name in names
    ]
    return csv_writer.lines(columns + _own_columns(piece))


def _own_columns(piece: InventoryPiece) -> list[Sequence[str]]:
    states = [_PENDING if time is None else _REGISTERED for time in piece.register_times]
    return [
        piece.device_ids,
        states,
        list(map(_time, piece.register_times)),
        csv_writer.safe(piece.users),
        csv_writer.safe(piece.upload_ids),
        [str(line) if line else "" for line in piece.source_lines],
        list(map(_time, piece.create_times)),
        list(map(_time, piece.update_times)),
    ]


@lru_cache(maxsize=1024)  # devices of one batch were written in one instant
def _time(microseconds: int | None) -> str:
    """Give an instant in RFC 3339, to the second; empty for none."""
    if microseconds is None:
        return ""
    return clock.instant(microseconds).strftime("%Y-%m-%dT%H:%M:%SZ")
