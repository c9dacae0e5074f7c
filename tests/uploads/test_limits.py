"""Every documented limit of an upload, at it and one past it, through the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest

from rollbook.v1 import device_service_pb2
from uploads.wire import (
    FINISHED,
    OPEN,
    Message,
    Row,
    Wire,
    csv,
    file,
    finish,
    imei,
    opening,
    refusal,
    rows,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import AdminClient
    from running import Server, ServerProcess

A = imei(1)
MESSAGE_BYTES = 4 * 1024 * 1024  # of gRPC
ROWS_OF_A_MESSAGE = 20_000
RECORD_CHARACTERS = 1_048_576
FIELD_CHARACTERS = 65_536


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


class Limit(NamedTuple):
    """A row that just keeps a limit of devices, one that breaks it, and what is said then."""

    kept: dict[str, str]
    broken: dict[str, str]
    reason: str


def columns(count: int) -> dict[str, str]:
    return {f"c{number}": "x" for number in range(count)}


LIMITS = {
    "serial number": Limit(
        {"serial_number": "x" * 128}, {"serial_number": "x" * 129}, "SERIAL_NUMBER_TOO_LONG"
    ),
    "manufacturer": Limit(
        {"manufacturer": "x" * 128}, {"manufacturer": "x" * 129}, "MANUFACTURER_TOO_LONG"
    ),
    "attribute": Limit({"note": "é" * 4096}, {"note": "é" * 4097}, "ATTRIBUTE_TOO_LONG"),
    "name of an attribute": Limit({"n" * 128: "x"}, {"n" * 129: "x"}, "ATTRIBUTE_NAME_INVALID"),
    "attributes": Limit(columns(100), columns(101), "TOO_MANY_ATTRIBUTES"),
}
each_limit = pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
KEYS = ("serial_number", "manufacturer")


def table(cells: dict[str, str]) -> str:
    return f"imei,{','.join(cells)}\n{A},{','.join(cells.values())}\n"


def typed(cells: dict[str, str]) -> Row:
    keys = {name: cells[name] for name in KEYS if name in cells}
    attributes = {name: cell for name, cell in cells.items() if name not in KEYS}
    return Row(imei=A, attributes=attributes, **keys)  # type: ignore[arg-type]


@each_limit
def test_a_limit_of_devices_holds_for_files(wire: Wire, profile: str, limit: Limit) -> None:
    broken = wire.send(opening(profile, "v"), file(table(limit.broken)))
    assert [error.reason for error in broken.errors] == [limit.reason]
    assert wire.send(opening(profile), file(table(limit.kept))).created_count == 1


@each_limit
def test_a_limit_of_devices_holds_for_typed_rows(wire: Wire, profile: str, limit: Limit) -> None:
    broken = wire.send(opening(profile, "v"), rows([typed(limit.broken)]), finish(total_rows=1))
    assert [error.reason for error in broken.errors] == [limit.reason]
    kept = wire.send(opening(profile), rows([typed(limit.kept)]), finish(total_rows=1))
    assert kept.created_count == 1


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_field_may_have_as_many_characters_as_the_limit(
    wire: Wire, profile: str, quote: str
) -> None:
    def field(characters: int) -> str:
        return f"imei,note\n{imei(2)},x\n{A},{quote}{'é' * characters}{quote}\n"

    kept = wire.send(opening(profile), file(field(FIELD_CHARACTERS)))
    assert [error.reason for error in kept.errors] == ["ATTRIBUTE_TOO_LONG"]
    refused = wire.refused(opening(profile, "v"), file(field(FIELD_CHARACTERS + 1)))
    assert refused[:2] == ("INVALID_ARGUMENT", "CSV_FIELD_TOO_LARGE")
    assert wire.upload("v").committed_rows == 1


def test_a_row_may_have_as_many_characters_as_the_limit(wire: Wire, profile: str) -> None:
    names = "".join(f",c{number}" for number in range(99))
    line = f"{A}" + "".join(f',"{"x" * 10_000}"' for _ in range(99))

    def record(characters: int) -> str:
        """Fill a record up with the blanks that a spreadsheet may leave behind its end."""
        blanks = characters - len(line) - len(",\n")
        return f"imei{names}\n{line},{' ' * blanks}\n"

    assert 0 < RECORD_CHARACTERS - len(line) < FIELD_CHARACTERS
    kept = wire.send(opening(profile), file(record(RECORD_CHARACTERS)))
    assert [error.reason for error in kept.errors] == ["ATTRIBUTE_TOO_LONG"]
    refused = wire.refused(opening(profile, "v"), file(record(RECORD_CHARACTERS + 1)))
    assert refused[:2] == ("INVALID_ARGUMENT", "CSV_FIELD_TOO_LARGE")


def filling(size: int) -> Message:
    """Give a piece of a file that makes a message of so many bytes."""
    blank = b" " * 60_000 + b"\n"
    data = (b"imei\n" + blank * (size // len(blank) + 1))[:size]
    surplus = Message(csv=device_service_pb2.UploadCsv(data=data)).ByteSize() - size
    return Message(csv=device_service_pb2.UploadCsv(data=data[:-surplus]))


def test_a_message_may_have_as_many_bytes_as_grpc_takes(wire: Wire, profile: str) -> None:
    kept, broken = filling(MESSAGE_BYTES), filling(MESSAGE_BYTES + 1)
    assert (kept.ByteSize(), broken.ByteSize()) == (MESSAGE_BYTES, MESSAGE_BYTES + 1)
    assert wire.send(opening(profile), kept).state == OPEN
    with pytest.raises(grpc.RpcError) as caught:
        wire.send(opening(profile, "v"), csv("imei\n"), broken)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert wire.send(opening(profile, "v"), file(f"imei\n{A}\n")).state == FINISHED


def test_a_message_may_have_as_many_rows_as_the_limit(wire: Wire, profile: str) -> None:
    given = [Row()] * ROWS_OF_A_MESSAGE
    kept = wire.send(opening(profile), rows(given, size=len(given)))
    assert kept.rejected_count == ROWS_OF_A_MESSAGE
    given.append(Row())
    refused = wire.refused(opening(profile, "v"), rows(given, size=len(given)))
    assert refused[:2] == ("INVALID_ARGUMENT", "FIELD_INVALID")
    assert wire.send(opening(profile, "v"), rows([Row(imei=A)])).committed_rows == 1


def test_there_are_as_many_places_as_the_server_has(serve: Callable[..., Server]) -> None:
    server = serve()
    places = server.config.upload_streams
    with server.admin() as admin, Wire(server) as wire:
        profile = admin.create_profile("Depot").profile_id
        names = [f"u{number}" for number in range(places)]
        streams = [wire.stream().send(opening(profile, name)) for name in names]
        until(lambda: wire.query("SELECT count(*) FROM uploads") == [(places,)])
        refused = wire.refused(opening(profile, "one-more"), file(f"imei\n{A}\n"))
        assert refused[:2] == ("RESOURCE_EXHAUSTED", "TOO_MANY_UPLOADS")
        assert (refused.metadata, refused.retries) == ({"limit": str(places)}, True)
        assert [stream.end().state for stream in streams] == [OPEN] * places


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(process: ServerProcess) -> None:
    """Grpcio unpacks no more than the message limit; before 1.82 it unpacked all."""
    metadata = (("authorization", f"Bearer {process.api_key}"),)
    bomb = bytes(128 * 1024 * 1024)  # 128 KiB on the wire
    with grpc.insecure_channel(process.address, compression=grpc.Compression.Gzip) as channel:
        upload: Any = channel.stream_unary("/rollbook.v1.DeviceService/UploadDevices")
        with pytest.raises(grpc.RpcError) as caught:
            upload(iter([b"first of all a message of ours"]), metadata=metadata)
        assert refusal(caught.value).reason == "REQUEST_MALFORMED"
        before = process.memory_kib("VmHWM")
        with pytest.raises(grpc.RpcError) as caught:
            upload(iter([bomb]), metadata=metadata)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert process.memory_kib("VmHWM") - before < 32 * 1024
    with process.admin() as admin:
        assert list(admin.list_profiles()) == []
