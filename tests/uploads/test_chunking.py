"""A file cut and broken off anywhere gives what it gives in one piece, to the last byte."""

from __future__ import annotations

import codecs
import csv
import io
from functools import partial
from itertools import count, cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import grpc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rollbook.v1 import device_service_pb2
from rollbook_server.config import Config
from rollbook_server.domain import csv_reader
from rollbook_server.domain.csv_faults import CsvLimits
from rollbook_server.domain.upload_limits import UploadLimits
from rollbook_server.domain.upload_options import OnInvalidRow, UploadOptions
from rollbook_server.domain.upload_sessions import UploadSession
from running import Server
from uploads import wire as w

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook import AdminClient

_NUMBERS = count(1)
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}


class Break(NamedTuple):
    """A stream that ends after so many pieces: in order, by a cancel, or with its server."""

    pieces: int
    from_start: bool
    how: str


class World(NamedTuple):
    """A server with its clients."""

    server: Server
    wire: w.Wire
    admin: AdminClient


cells = st.text(st.sampled_from('ab",;ü東🙂 \n'), max_size=9) | st.just("two\r\nlines")
lines = st.tuples(st.sampled_from([w.imei(n) for n in range(6)] + ["oops"]), cells)
breaks = st.builds(
    Break, st.integers(0, 30), st.booleans(), st.sampled_from(["end", "cancel", "kill"])
)


@pytest.fixture(scope="module", params=[1, 65_536], ids=["read at once", "held back"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Give a server that commits every two rows, and reads pieces as they come or together."""
    data_dir, limits = tmp_path_factory.mktemp("chunking"), UploadLimits(batch_rows=2)
    eager = partial(CsvLimits, hold_bytes=request.param)
    with patch.object(csv_reader, "CsvLimits", eager):
        server = Server(Config(data_dir=data_dir, listen="127.0.0.1:0", upload_limits=limits))
        with w.Wire(server) as wire, server.admin() as admin:
            yield World(server, wire, admin)
        server.stop()


TORN = [(w.imei(1), 'ü"東\r\n🙂,'), (w.imei(1), "again"), ("oops", "two\r\nlines")]


@settings(max_examples=35)
@given(
    rows=st.lists(lines, min_size=1, max_size=8),
    encoding=st.sampled_from(list(ENCODINGS)),
    line_end=st.sampled_from(["\n", "\r\n"]),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    broken=st.lists(breaks, max_size=4),
    on_invalid_row=st.sampled_from(list(OnInvalidRow)),
)
@example(TORN, "utf-8", "\r\n", [1], [Break(70, False, "kill")], OnInvalidRow.SKIP)
@example(TORN, "utf-16-le", "\r\n", [1], [Break(99, False, "end")] * 2, OnInvalidRow.SKIP)
@example(TORN, "utf-16-be", "\n", [1], [Break(150, True, "cancel")], OnInvalidRow.FAIL)
def test_any_chunks_and_any_breaks_give_what_one_clean_run_gives(
    world: World,
    rows: Sequence[tuple[str, str]],
    encoding: str,
    line_end: str,
    sizes: list[int],
    broken: list[Break],
    on_invalid_row: OnInvalidRow,
) -> None:
    data = _file(rows, encoding, line_end)
    clean = _outcome(world, data, [len(data)], [], on_invalid_row)
    assert _outcome(world, data, sizes, broken, on_invalid_row) == clean


def _file(rows: Sequence[tuple[str, str]], encoding: str, line_end: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end)
    writer.writerows([("imei", "site"), *rows])
    return ENCODINGS[encoding] + out.getvalue().encode(encoding)


def _outcome(
    world: World, data: bytes, sizes: list[int], broken: list[Break], on_invalid_row: OnInvalidRow
) -> dict[str, Any]:
    """Upload into a profile of its own, and give all that came of it; the profile goes again."""
    name = f"u{next(_NUMBERS)}"
    profile = world.admin.create_profile(name).profile_id
    options = UploadOptions(name, profile, on_invalid_row=on_invalid_row)
    for each in broken:
        _break_off(world, options, data, sizes, each)
    refused = _finish(world.wire, options, data, sizes)
    found = {"refused": refused, "devices": _devices(world.wire, profile), **_told(world, name)}
    world.admin.delete_profile(profile, force=True)
    return found


def _break_off(
    world: World, options: UploadOptions, data: bytes, sizes: list[int], each: Break
) -> None:
    if each.how == "kill":
        _abandon(world.server, options, data, sizes, each)
        return
    begin = 0 if each.from_start else _committed(world.wire, options.upload_id)
    pieces = list(_pieces(data, begin, sizes))[: each.pieces]
    if each.how == "end":
        _send(world.wire, options, pieces)
        return
    stream = world.wire.stream().send(_opening(options), pieces)
    w.until(lambda: _is_known(world.wire, options.upload_id))
    stream.cancel()


def _abandon(
    server: Server, options: UploadOptions, data: bytes, sizes: list[int], each: Break
) -> None:
    """Leave a session where it is, as one is left whose server dies: nothing is settled."""
    session = UploadSession(server.app._store, server.clock, server.config.upload_limits)
    committed = session.open(options).progress.offset  # no other stream moves it any more
    begin = 0 if each.from_start else committed
    for message in islice(_pieces(data, begin, sizes), each.pieces):
        session.take_csv(message.csv.offset, message.csv.data)


def _finish(wire: w.Wire, options: UploadOptions, data: bytes, sizes: list[int]) -> str:
    """Send what is not committed, to the end; give the reason if it is refused."""
    done = w.finish(total_bytes=len(data))
    refused = "UPLOAD_GAP"
    while refused == "UPLOAD_GAP":
        begin = _committed(wire, options.upload_id)
        refused = _send(wire, options, [*_pieces(data, begin, sizes), done])
    return refused


def _send(wire: w.Wire, options: UploadOptions, messages: list[w.Message]) -> str:
    """Send a stream, and give the reason if it is refused.

    A gap is nothing wrong where the stream before was cancelled a moment ago: it may
    have come further since we asked.
    """
    try:
        wire.send(_opening(options), messages)
    except grpc.RpcError as error:
        return w.refusal(error).reason
    return ""


def _pieces(data: bytes, begin: int, sizes: list[int]) -> Iterator[w.Message]:
    """Cut a file from an offset on into pieces of these sizes, over and over."""
    for size in cycle(sizes):
        if begin >= len(data):
            return
        piece = device_service_pb2.UploadCsv(offset=begin, data=data[begin : begin + size])
        yield w.Message(csv=piece)
        begin += size


def _opening(options: UploadOptions) -> w.Message:
    policy = f"ON_INVALID_ROW_{options.on_invalid_row}"
    return w.opening(options.profile_id, options.upload_id, on_invalid_row=policy)


def _is_known(wire: w.Wire, upload_id: str) -> bool:
    return bool(wire.query(f"SELECT 1 FROM uploads WHERE upload_id = '{upload_id}'"))


def _committed(wire: w.Wire, upload_id: str) -> int:
    return wire.upload(upload_id).committed_offset if _is_known(wire, upload_id) else 0


def _devices(wire: w.Wire, profile: str) -> list[tuple[Any, ...]]:
    return [(d.imei, d.attributes, d.line) for d in wire.devices() if d.profile == profile]


def _told(world: World, upload_id: str) -> dict[str, Any]:
    """Give what the server says of an upload, but for its name and its times."""
    upload = world.wire.upload(upload_id)
    counts = [f"{each}_count" for each in ("created", "updated", "unchanged", "rejected", "row")]
    names = ("state", "failure_reason", "committed_offset", "committed_rows", "committed_crc32")
    errors = [(e.row, e.line, e.column, e.reason, *e.values) for e in upload.errors]
    return {"errors": errors, **{each: getattr(upload, each) for each in (*counts, *names)}}
