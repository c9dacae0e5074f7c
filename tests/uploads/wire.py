"""UploadDevices over the raw stub, message by message, and what became of it on the roll."""

from __future__ import annotations

import json
import queue
import sqlite3
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from rollbook.v1 import device_pb2, device_service_pb2, device_service_pb2_grpc, upload_pb2
from rollbook_server.domain.luhn import check_digit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from running import Server

Message = device_service_pb2.UploadDevicesRequest
Upload = upload_pb2.Upload
Row = device_pb2.DeviceRow

OPEN = upload_pb2.UPLOAD_STATE_OPEN
FINISHED = upload_pb2.UPLOAD_STATE_FINISHED
FAILED = upload_pb2.UPLOAD_STATE_FAILED

SKIP, FAIL = upload_pb2.ON_INVALID_ROW_SKIP, upload_pb2.ON_INVALID_ROW_FAIL
REJECT, KEEP = upload_pb2.ON_CONFLICT_REJECT, upload_pb2.ON_CONFLICT_KEEP
UPDATE, MOVE = upload_pb2.ON_CONFLICT_UPDATE, upload_pb2.ON_CONFLICT_MOVE


class Refusal(NamedTuple):
    """What a failed call said; `retries` tells whether it carried a RetryInfo."""

    code: str
    reason: str
    metadata: dict[str, str]
    retries: bool
    message: str


class Device(NamedTuple):
    """A device as its line in the database says."""

    profile: str
    imei: str
    imei2: str
    serial_number: str
    manufacturer: str
    attributes: dict[str, str]
    registered: bool
    upload: str
    line: int


# All devices in their order, each with its profile and its upload.
ROLL = """
SELECT p.profile_id, coalesce(d.imei, ''), coalesce(d.imei2, ''), coalesce(d.serial_number, ''),
    coalesce(d.manufacturer, ''), d.attributes, d.register_time NOTNULL, u.upload_id, d.source_line
FROM devices d JOIN profiles p ON p.id = d.profile LEFT JOIN uploads u ON u.id = d.upload
WHERE d.register_time NOTNULL OR u.id IS NULL OR u.on_invalid_row = 'SKIP' OR u.state = 'FINISHED'
    OR NOT EXISTS (SELECT 1 FROM upload_ranges r
        WHERE r.upload = u.id AND d.id BETWEEN r.first_id AND r.last_id)
ORDER BY d.id
"""


class Wire:
    """The stub of DeviceService with the administrator's key; close it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._metadata = (("authorization", f"Bearer {server.api_key}"),)
        self._channel = grpc.insecure_channel(server.address)
        self._stub = device_service_pb2_grpc.DeviceServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def send(self, *parts: Message | Iterable[Message]) -> Upload:
        """Send messages, single ones or runs of them, as one stream that then ends."""
        return self._stub.UploadDevices(_flat(parts), metadata=self._metadata).upload

    def refused(self, *parts: Message | Iterable[Message]) -> Refusal:
        """Send messages and give the error that the stream must end with."""
        with pytest.raises(grpc.RpcError) as caught:
            self.send(*parts)
        return refusal(caught.value)

    def stream(self, timeout: float | None = None) -> Stream:
        """Open a stream that is fed by hand; `timeout` is its deadline, in seconds."""
        return Stream(self._stub, self._metadata, timeout)

    def upload(self, upload_id: str = "u") -> Upload:
        """Ask how an upload stands."""
        request = device_service_pb2.GetUploadRequest(upload_id=upload_id)
        return self._stub.GetUpload(request, metadata=self._metadata).upload

    def error_page(
        self, upload_id: str = "u", page_size: int = 0, page_token: str = ""
    ) -> device_service_pb2.ListUploadErrorsResponse:
        """Ask for one page of the rejected rows."""
        request = device_service_pb2.ListUploadErrorsRequest(
            upload_id=upload_id, page_size=page_size, page_token=page_token
        )
        return self._stub.ListUploadErrors(request, metadata=self._metadata)

    def devices(self) -> list[Device]:
        """Read the roll from the database itself, in the order of the devices."""
        return [device(row) for row in self.query(ROLL)]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database, on a connection of its own."""
        return self._server.query(sql)


class LineByLine(Wire):
    """Sends the lines of a file in a stream each before the whole of it.

    Only so every row comes in a transaction of its own: what arrives together is read
    together, however few rows that are.
    """

    def send(self, *parts: Message | Iterable[Message]) -> Upload:
        opened, *others = _flat(parts)
        data = b"".join(message.csv.data for message in others)
        for end in (place + 1 for place, byte in enumerate(data) if byte == ord("\n")):
            super().send(opened, csv(data[:end]))
        return super().send(opened, others)


class Stream:
    """One UploadDevices stream, fed by hand."""

    def __init__(
        self,
        stub: device_service_pb2_grpc.DeviceServiceStub,
        metadata: Any,
        timeout: float | None = None,
    ) -> None:
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        feed = cast("Any", iter(self._messages.get, None))
        self._call = stub.UploadDevices.future(feed, timeout=timeout, metadata=metadata)

    def send(self, *parts: Message | Iterable[Message]) -> Self:
        for message in _flat(parts):
            self._messages.put(message)
        return self

    def end(self) -> Upload:
        """End the stream in an orderly way, and give the answer."""
        self._messages.put(None)
        return self._call.result().upload

    def refused(self) -> Refusal:
        """End the stream, and give the error that it must end with."""
        with pytest.raises(grpc.RpcError) as caught:
            self.end()
        return refusal(caught.value)

    def is_answered(self) -> bool:
        return self._call.done()

    def cancel(self) -> None:
        """Break the stream off as a client that goes away does."""
        self._call.cancel()
        self._messages.put(None)


def device(row: tuple[Any, ...]) -> Device:
    """Read a line of ROLL."""
    return Device._make((*row[:5], json.loads(row[5]), bool(row[6]), *row[7:]))


def opening(
    profile_id: str,
    upload_id: str = "u",
    *,
    on_invalid_row: Any = SKIP,
    on_conflict: Any = REJECT,
    **options: Any,
) -> Message:
    """Give the first message."""
    message = device_service_pb2.UploadOpen(
        upload_id=upload_id,
        profile_id=profile_id,
        on_invalid_row=on_invalid_row,
        on_conflict=on_conflict,
        **options,
    )
    return Message(open=message)


def csv(data: bytes | str, *, begin: int = 0, size: int = 1 << 18) -> Iterator[Message]:
    """Give a file from an offset on, in chunks."""
    data = data.encode() if isinstance(data, str) else data
    for offset in range(begin, len(data), size):
        piece = data[offset : offset + size]
        yield Message(csv=device_service_pb2.UploadCsv(offset=offset, data=piece))


def rows(given: Sequence[Row], *, begin: int = 0, size: int = 1000) -> Iterator[Message]:
    """Give typed rows from one of them on, in runs."""
    for first in range(begin, len(given), size):
        run = given[first : first + size]
        yield Message(rows=device_service_pb2.UploadRows(first_row=first, rows=run))


def finish(**fields: int) -> Message:
    """Give the last message: total_bytes or total_rows, and perhaps crc32."""
    return Message(finish=device_service_pb2.UploadFinish(**fields))


def file(data: bytes | str, *, begin: int = 0, size: int = 1 << 18) -> Iterator[Message]:
    """Give a file from an offset on with its finish, all but the opening."""
    data = data.encode() if isinstance(data, str) else data
    yield from csv(data, begin=begin, size=size)
    yield finish(total_bytes=len(data), crc32=zlib.crc32(data))


def refusal(error: grpc.RpcError) -> Refusal:
    """Read a failed call: its one ErrorInfo of our domain, and whether a retry is asked for."""
    call = cast("grpc.Call", error)
    status = rpc_status.from_call(call)
    infos = [_unpacked(packed) for packed in status.details] if status else []
    info = next((each for each in infos if isinstance(each, error_details_pb2.ErrorInfo)), None)
    assert info is not None, call
    assert info.domain == "rollbook"
    retries = any(isinstance(each, error_details_pb2.RetryInfo) for each in infos)
    return Refusal(
        call.code().name, info.reason, dict(info.metadata), retries, call.details() or ""
    )


def imei(number: int) -> str:
    """Give the number-th of the IMEIs that tests use."""
    core = f"35{number:012}"
    return core + check_digit(core)


def core(number: int) -> str:
    """Give the same as it is kept."""
    return imei(number)[:14]


def until(holds: Callable[[], bool]) -> None:
    """Ask a server again and again; that it never says so, the test's time limit notices."""
    while not holds():
        pass


def _flat(parts: Iterable[Message | Iterable[Message]]) -> Iterator[Message]:
    for part in parts:
        if isinstance(part, Message):
            yield part
        else:
            yield from part


def _unpacked(packed: Any) -> object:
    for kind in (error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo):
        into = kind()
        if packed.Unpack(into):
            return into
    return packed


def reading(database: Path) -> sqlite3.Connection:
    """Open a database file so that it cannot be written; close it."""
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
