"""UploadDevices streams as clients with every kind of fault send them."""

from __future__ import annotations

import zlib
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from fuzz import files
from rollbook.v1 import device_pb2, device_service_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Message = device_service_pb2.UploadDevicesRequest

_OFFSETS = [-1, 1, -(2**63), 2**63 - 1, 2**31, 7, 65_536]
_SMALL_OFFSETS = [-1, 1, -(2**31), 2**31 - 1, 7, 1000]
_CRCS = [0, 1, 2**32 - 1]
_UPLOADS = ["u", "v", "w", "", "x" * 64, "x" * 65, "no id!", "\u00fc", "u\0"]
_NAMES = ["", "devices.csv", "\u00e9" * 255, "x" * 256, "a\0b", "../../etc/passwd"]
_MAPPINGS = [{}, {"note": "ignored"}, {"a": "imei"}, {"imei": "x"}, {"": ""}, {"\0": "imei"}]


class Stream(NamedTuple):
    """Messages as bytes; `file` is what they bring if nothing at all is wrong with them."""

    upload_id: str
    messages: list[bytes]
    file: bytes | None = None


def make(rng: Random, number: int, profiles: list[str]) -> Stream:
    """Give the `number`-th stream of a server with these profiles."""
    if rng.random() < 0.3:
        return _faultless(rng, f"new-{number}", profiles[0])
    upload_id = f"u-{number // 8}" if rng.random() < 0.95 else rng.choice(_UPLOADS)
    # Mostly the same as in other streams of the upload, which go on where one ended.
    own = Random(upload_id) if rng.random() < 0.9 else rng
    content = own.choice([_csv, _csv, _rows])
    opened = _opening(own, upload_id, own.choice(profiles))
    if rng.random() < 0.05:
        _spoil(opened, rng)
    messages = [opened, *content(own, rng)]
    for _ in range(rng.choice([0, 0, 1, 1, 1, 2, 5])):
        rng.choice(_FAULTS)(messages, rng)
    sent = [message.SerializeToString() for message in messages]
    if rng.random() < 0.05:
        sent.insert(rng.randint(0, len(sent)), rng.randbytes(rng.randint(0, 30)))
    return Stream(upload_id, sent)


def _faultless(rng: Random, upload_id: str, profile_id: str) -> Stream:
    data = files.make(rng).data
    opened = Message(open={"upload_id": upload_id, "profile_id": profile_id})
    messages = [opened, *_pieces(data, rng), _end(data)]
    return Stream(upload_id, [message.SerializeToString() for message in messages], data)


def _opening(rng: Random, upload_id: str, profile_id: str) -> Message:
    message = Message()
    message.open.upload_id, message.open.profile_id = upload_id, profile_id
    message.open.validate_only = rng.random() < 0.2
    message.open.on_invalid_row = cast("Any", rng.randint(0, 2))
    message.open.on_conflict = cast("Any", rng.randint(0, 4))
    message.open.column_mapping.update(_MAPPINGS[0] if rng.random() < 0.9 else _MAPPINGS[1])
    return message


def _spoil(message: Message, rng: Random) -> None:
    message.open.file_name = rng.choice(_NAMES)
    message.open.profile_id = rng.choice([message.open.profile_id, "", "prf-none", "x" * 999])
    message.open.on_conflict = cast("Any", rng.choice([0, 99, -1]))
    message.open.column_mapping.update(rng.choice(_MAPPINGS))


def _csv(own: Random, rng: Random) -> list[Message]:
    data = files.make(own).data
    return [*_pieces(data, rng), _end(data)]


def _pieces(data: bytes, rng: Random) -> Iterator[Message]:
    begin = 0
    for end in files.pieces(data, rng):
        yield Message(csv={"offset": begin, "data": data[begin:end]})
        begin = end


def _end(data: bytes) -> Message:
    return Message(finish={"total_bytes": len(data), "crc32": zlib.crc32(data)})


def _rows(own: Random, _: Random) -> list[Message]:
    messages, sent = [], 0
    for _number in range(own.randint(0, 4)):
        rows = [_row(own) for _number in range(own.randint(0, 4))]
        messages.append(Message(rows={"first_row": sent, "rows": rows}))
        sent += len(rows)
    return [*messages, Message(finish={"total_rows": sent})]


def _row(rng: Random) -> device_pb2.DeviceRow:
    cells = rng.choice([files.CELLS, files.GOOD_CELLS])
    names = rng.choices(cells, k=rng.randint(0, 3))
    return device_pb2.DeviceRow(
        imei=rng.choice(cells),
        imei2=rng.choice(cells),
        serial_number=rng.choice(cells),
        manufacturer=rng.choice(cells),
        attributes={name: rng.choice(cells) for name in names},
        source_line=rng.choice([0, 0, 1, -1, 2**31 - 1]),
    )


def _drop(messages: list[Message], rng: Random) -> None:
    if messages:
        messages.pop(rng.randrange(len(messages)))


def _repeat(messages: list[Message], rng: Random) -> None:
    if messages:
        messages.insert(rng.randint(0, len(messages)), rng.choice(messages))


def _swap(messages: list[Message], rng: Random) -> None:
    rng.shuffle(messages)


def _mix(messages: list[Message], rng: Random) -> None:
    messages.insert(
        rng.randint(0, len(messages)), rng.choice([*_rows(rng, rng), *_csv(rng, rng), Message()])
    )


def _move(messages: list[Message], rng: Random) -> None:
    """Let a piece, or the end, stand elsewhere than it says."""
    message = Message()
    message.CopyFrom(rng.choice(messages) if messages else Message())
    match message.WhichOneof("message"):
        case "csv":
            message.csv.offset = rng.choice(_OFFSETS)
        case "rows":
            message.rows.first_row = rng.choice(_SMALL_OFFSETS)
        case _:
            message.finish.CopyFrom(_wrong_end(rng))
    messages.insert(rng.randint(0, len(messages)), message)


def _alter(messages: list[Message], rng: Random) -> None:
    """Let the content, or the checksum of all, be another."""
    for message in messages:
        if message.WhichOneof("message") == "csv" and rng.random() < 0.3:
            message.csv.data = files.damaged(message.csv.data, rng)
        elif message.WhichOneof("message") == "finish":
            message.finish.crc32 ^= rng.choice([0, 0, 1])


def _wrong_end(rng: Random) -> device_service_pb2.UploadFinish:
    end = device_service_pb2.UploadFinish()
    if rng.random() < 0.5:
        end.total_bytes = rng.choice(_OFFSETS)
    elif rng.random() < 0.8:
        end.total_rows = rng.choice(_SMALL_OFFSETS)
    if rng.random() < 0.5:
        end.crc32 = rng.choice(_CRCS)
    return end


_FAULTS: Sequence[Callable[[list[Message], Random], None]] = (
    *(_drop, _drop, _repeat, _swap, _mix, _move, _move, _alter),
)
