"""A file gives the same records, position and error into whatever pieces it is cut."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from rollbook_server.domain import csv_records
from rollbook_server.domain.csv_faults import CsvLimits
from rollbook_server.domain.csv_reader import CsvReader
from rollbook_server.domain.csv_records import parse
from rollbook_server.domain.errors import FieldsError, FileError, Reason, RollbookError

if TYPE_CHECKING:
    from rollbook_server.domain.devices import Record
    from rollbook_server.domain.row_blocks import Records

# Small, so that a few bytes meet every limit; held back as little as possible, so
# that pieces are parsed where they were cut.
TIGHT = CsvLimits(field_characters=12, record_characters=40, hold_bytes=1)
HEADERS = [
    "imei,a,b",
    "a;imei;b",
    '"i\nmei",a',
    "sep=;\nimei;b",
    "sep=\t\nimei\tb",
    "\n,,\nimei\ta",
    "a,b",
    '\n{ "a":',
]
ENCODINGS = {"utf-8": b"", "utf-8-sig": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}

bodies = st.text(st.sampled_from('"",;\t\r\n\n\n ax=\'é€😀\0'), max_size=60)
tables = st.lists(st.lists(st.text(max_size=5), min_size=2, max_size=3), max_size=6)


def written(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


@st.composite
def files(draw: st.DrawFn) -> bytes:
    body = draw(bodies | tables.map(written))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = draw(st.sampled_from(HEADERS)) + end + body
    encoding = draw(st.sampled_from(list(ENCODINGS)))
    data = ENCODINGS[encoding] + text.encode(encoding)
    return data + draw(st.sampled_from([b"", b"", b"\xff", b"\n\xd8\x00", b"\xc3"]))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def read(pieces: list[bytes], reader: CsvReader) -> tuple[list[Record], CsvReader]:
    records: list[Record] = []
    for piece in pieces:
        if reader.error is None:
            records += told_of(reader.feed(piece))
    if reader.error is None:
        records += told_of(reader.finish())
    return records, reader


def told_of(records: Records) -> list[Record]:
    """Give records so that they can be compared, however they were kept."""
    return [record._replace(values=list(record.values)) for record in records]


def told(error: RollbookError | None) -> object:
    return error and (error.reason, error.message, error.metadata)


def whole(data: bytes, limits: CsvLimits | None = None) -> tuple[list[Record], CsvReader]:
    return read([data], CsvReader(limits))


def cells(data: bytes | str) -> list[list[str]]:
    records, reader = whole(data.encode() if isinstance(data, str) else data)
    reader.raise_error()
    return [list(record.values) for record in records]


def refusal(data: bytes | str) -> tuple[int, RollbookError]:
    records, reader = whole(data.encode() if isinstance(data, str) else data)
    assert reader.error is not None
    with pytest.raises(RollbookError):
        reader.feed(b"x")
    return len(records), reader.error


@given(files(), st.lists(st.integers(0, 200), max_size=8))
@example(b'imei,a\n1,"x\r\ny"\n2,"\xc3\xa9"\n', list(range(40)))
def test_any_cutting_gives_what_the_whole_file_gives(data: bytes, places: list[int]) -> None:
    records, reader = whole(data, TIGHT)
    again, other = read(cut(data, places), CsvReader(TIGHT))
    assert again == records
    assert other.position == reader.position
    assert told(other.error) == told(reader.error)


@given(files(), st.lists(st.integers(0, 200), max_size=8))
def test_a_reader_resumed_anywhere_ends_like_one_that_never_stopped(
    data: bytes, places: list[int]
) -> None:
    records, reader = whole(data, TIGHT)
    got: list[Record] = []
    stopped = CsvReader(TIGHT)
    for place in sorted(places):
        if stopped.error is None:
            got += told_of(stopped.feed(data[stopped.position.offset : place]))
        snapshot = json.loads(json.dumps(stopped.snapshot()))
        stopped = CsvReader.resume(snapshot, TIGHT)
    rest, stopped = read([data[stopped.position.offset :]], stopped)
    assert got + rest == records
    assert stopped.position == reader.position
    assert told(stopped.error) == told(reader.error)


@given(files())
def test_the_position_is_behind_the_last_record(data: bytes) -> None:
    records, reader = whole(data, TIGHT)
    position = reader.position
    assert position.crc32 == zlib.crc32(data[: position.offset])
    assert position.rows == len(records)
    assert reader.error or position.offset == len(data)


@given(st.binary() | st.binary().map(b"imei,a\n".__add__))
def test_random_bytes_raise_nothing_but_file_errors(data: bytes) -> None:
    _, reader = whole(data, TIGHT)
    assert reader.error is None or isinstance(reader.error, FileError)


@given(tables)
def test_what_csv_writes_is_read_back(rows: list[list[str]]) -> None:
    data = written([["imei", "a", "b"], *rows]).encode()
    expected = [row + [""] * (3 - len(row)) for row in rows if any(map(str.strip, row))]
    got, reader = whole(data.replace(b"'", b"`"))
    assert [[cell.replace("`", "'") for cell in r.values] for r in got] == [
        [cell.replace("`", "'") for cell in row] for row in expected
    ]
    assert (reader.error is None) == bool(expected)


@given(st.text(st.sampled_from(",\r\n\n xé\0")), st.sampled_from(["\n", "\r\n"]))
def test_a_text_without_quotes_is_cut_as_csv_would(text: str, end: str) -> None:
    lines = list(io.StringIO(text.replace("\n", end), newline="\n"))
    cut_rows, ends = parse(lines, ",", CsvLimits())
    rows, strict_ends = csv_records._parse_strictly(lines, ",", None)
    assert ([row if any(row) else [] for row in cut_rows], ends) == (
        [row if any(row) else [] for row in rows],
        strict_ends,
    )


disturbing = st.sampled_from(["\r", "\n", ",", '"', "a", "\r\n", " "])
few = CsvLimits(field_characters=12, record_characters=20)
grids = st.integers(1, 3).flatmap(
    lambda width: st.tuples(
        st.just(width),
        st.lists(
            st.lists(st.sampled_from(["a", "b", "", " ", "é;"]), min_size=width, max_size=width),
            min_size=1,
            max_size=6,
        ),
    )
)


@given(grids, st.sampled_from(["\n", "\r\n"]), st.lists(st.tuples(st.integers(0, 40), disturbing)))
@example((1, [["b"], ["a"], ["b"], [" "]]), "\n", [(3, "\r"), (10, ","), (11, "b")])
@example((1, [["a"]]), "\n", [(1, "\r"), (2, "a")])
def test_cutting_into_columns_gives_what_parsing_gives_or_nothing(
    grid: tuple[int, list[list[str]]], end: str, disturbances: list[tuple[int, str]]
) -> None:
    width, rows = grid
    text = end.join(map(",".join, rows))
    for place, sign in disturbances:
        text = text[:place] + sign + text[place:]
    columns = csv_records.cut_into_columns(text, ",", width, few)
    event(f"cut: {columns is not None}")
    if columns is None:
        assert disturbances or any(not "".join(row).strip() for row in rows) or len(text) > 12
        return
    lines = list(io.StringIO(text + "\n", newline="\n"))
    parsed, starts = csv_records.tidied(parse(lines, ",", few), width)
    assert list(map(list, zip(*columns, strict=True))) == parsed
    assert starts == list(range(len(lines)))


def test_records_know_their_row_and_line() -> None:
    records, _ = whole(b'\nimei,a\n1,"x\ny"\n\n,\n2,z')
    assert [(r.row, r.line, list(r.values)) for r in records] == [
        (1, 3, ["1", "x\ny"]),
        (2, 7, ["2", "z"]),
    ]


def test_short_rows_are_filled_up_and_long_ones_kept() -> None:
    assert cells("imei,a,b\n1\n1,2,3,,\n1,2,3,4\n") == [
        ["1", "", ""],
        ["1", "2", "3"],
        ["1", "2", "3", "4"],
    ]


def test_a_guarded_formula_loses_one_apostrophe() -> None:
    assert cells("imei,a\n1,'=x\n'2,''-1\n") == [["1", "=x"], ["'2", "'-1"]]


def test_a_nul_in_a_row_is_left_to_the_judge_of_rows() -> None:
    assert cells("imei,a\n1,x\0y\n") == [["1", "x\0y"]]


def test_a_file_without_header_gives_its_first_line_as_a_row() -> None:
    assert cells("356938035643809,desk\n356938035643809,\n") == [
        ["356938035643809", "desk"],
        ["356938035643809", ""],
    ]


@pytest.mark.parametrize(
    ("data", "reason", "rows", "line", "column"),
    [
        ("", Reason.FILE_EMPTY, 0, 1, ""),
        ("\ufeff\r\n,,\r\n", Reason.FILE_EMPTY, 0, 2, ""),
        ("imei\n\n", Reason.FILE_WITHOUT_ROWS, 0, 2, ""),
        ("a\nb\n", Reason.CSV_NO_IDENTIFIER_COLUMN, 0, 1, ""),
        ('imei,a\n1,2\n3,"4\n5,6\n', Reason.CSV_UNCLOSED_QUOTE, 1, 3, "a"),
        ('imei,a\n1,2\n"3"4,5\n', Reason.CSV_QUOTE_MISPLACED, 1, 3, "imei"),
        ('imei,a\n1,"2\n3,"4"\n', Reason.CSV_QUOTE_MISPLACED, 0, 3, "a"),
        ("imei,a\n1,2\n3,4\r5,6\n", Reason.CSV_LINE_ENDING, 1, 3, "a"),
        ("imei,a\r\n1,2\r\n3,4\r5\r\n", Reason.CSV_LINE_ENDING, 1, 3, "a"),
        ('imei,a\n1,"' + '""' * 40_000 + '"x\n', Reason.CSV_QUOTE_MISPLACED, 0, 2, "a"),
        ("imei,a\r1,2\r3,4\r", Reason.CSV_LINE_ENDING, 0, 1, ""),
        ("imei,a\n1," + "x" * 65_537 + "\n", Reason.CSV_FIELD_TOO_LARGE, 0, 2, "a"),
        ('imei,a\n1,"' + "x" * 65_537 + '"\n', Reason.CSV_FIELD_TOO_LARGE, 0, 2, "a"),
        ('imei,a\n1,"' + "x\n" * 700_000 + '"\n', Reason.CSV_UNCLOSED_QUOTE, 0, 2, "a"),
        ("imei,a\n1" + ",x" * 700_000 + "\n", Reason.CSV_FIELD_TOO_LARGE, 0, 2, ""),
        ("imei,a\n1,2\n3,\xe9\n".encode("latin-1"), Reason.CSV_ENCODING, 1, 3, ""),
        ("imei,a\n1,2\n".encode("utf-16-le"), Reason.CSV_NUL_CHARACTER, 0, 1, ""),
        ("\ufeffimei,a\n1,2\n".encode("utf-16-le") + b"\n", Reason.CSV_ENCODING, 1, 3, ""),
    ],
)
def test_a_file_that_cannot_be_read_on_says_where(
    data: bytes | str, reason: Reason, rows: int, line: int, column: str
) -> None:
    count, error = refusal(data)
    place = (error.metadata["line"], error.metadata["column"])
    assert (error.reason, count, *place) == (reason, rows, str(line), column)


@pytest.mark.parametrize("data", [b'sep=;\n{"a": 1}\n', b'\n\n{ "a": 1}', b'[\n  {"a": 1}\n]'])
def test_json_is_told_as_such_into_whatever_pieces_it_is_cut(data: bytes) -> None:
    _, reader = whole(data)
    assert reader.error is not None
    assert "the file is JSON" in reader.error.message
    for size in range(1, len(data)):
        _, other = read(cut(data, list(range(0, len(data), size))), CsvReader(TIGHT))
        assert told(other.error) == told(reader.error)


def test_a_workbook_is_told_as_one() -> None:
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/workbook.xml", "<workbook/>" * 50)
    _, error = refusal(workbook.getvalue())
    assert error.reason is Reason.CSV_ENCODING
    assert "Excel workbook" in error.message


def test_a_file_packed_by_gzip_is_told_as_one() -> None:
    _, error = refusal(gzip.compress(b"imei\n356938035643809\n"))
    assert error.reason is Reason.CSV_ENCODING
    assert "compressed with gzip; unpack it first" in error.message


def test_a_wrong_encoding_names_the_byte_and_the_likely_cause() -> None:
    _, error = refusal("imei,a\n1,\xe9\n".encode("latin-1"))
    assert error.metadata["offset"] == "9"
    assert "byte 9 of the file (0xE9) is not UTF-8: it looks like Windows-1252" in error.message


def test_a_field_without_end_is_refused_before_it_fills_the_memory() -> None:
    reader = CsvReader()
    reader.feed(b'imei,a\n1,"')
    fed = 0
    while reader.error is None:
        reader.feed(b"x" * 65_536)
        fed += 65_536
    assert reader.error.reason is Reason.CSV_UNCLOSED_QUOTE
    assert fed <= 2 * 1_048_576


def test_a_limit_lowered_by_others_is_an_error_and_no_loss() -> None:
    reader = CsvReader()
    before = csv.field_size_limit(4)
    try:
        read([b'imei,a\n1,"2"\n1,"23456"\n'], reader)
    finally:
        csv.field_size_limit(before)
    assert reader.error is not None
    assert reader.position.rows == 1


def test_a_mended_file_is_read_on_from_the_last_good_row() -> None:
    broken = b'imei,a\n1,2\n"3"4,5\n6,7\n'
    records, reader = whole(broken)
    mended = broken.replace(b'"3"4', b"34")
    rest, reader = read([mended[reader.position.offset :]], CsvReader.resume(reader.snapshot()))
    assert records + rest == whole(mended)[0]
    assert reader.position.crc32 == zlib.crc32(mended)


def test_a_mapping_outlives_a_stop_before_the_header() -> None:
    reader = CsvReader.resume(CsvReader(column_mapping={"code": "imei"}).snapshot())
    read([b"Code\n1\n"], reader)
    assert reader.columns is not None
    assert reader.columns.imei == 0


def test_a_mapping_of_an_absent_column_stops_the_file() -> None:
    _, reader = read([b"imei\n1\n"], CsvReader(column_mapping={"code": "imei"}))
    assert isinstance(reader.error, FieldsError)


def test_single_bytes_cost_no_more_than_their_number() -> None:
    data = b"imei,a\n" + b'356938035643809,"x\ny"\n' * 5_000
    records, reader = read([data[i : i + 1] for i in range(len(data))], CsvReader())
    assert len(records) == 5_000
    assert reader.position.crc32 == zlib.crc32(data)
