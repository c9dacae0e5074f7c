"""Whole files as they come: what is read, what is refused and where, and how it is mended."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

import pytest

from uploads.wire import FINISHED, OPEN, Wire, core, file, imei, opening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient
    from running import Server

A, B, C = imei(1), imei(2), imei(3)
FOUR = "".join(f"{imei(number)},s{number}\n" for number in range(1, 5))


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


class Bad(NamedTuple):
    """A file that cannot be read on: where, and how many of its rows come before.

    `mended` replaces what begins behind the committed position.
    """

    data: bytes
    reason: str
    line: int
    row: int = 0
    column: str = ""
    mended: bytes = b""


_HEADER_AND_TWO = f"imei,site\n{A},a\n{B},b\n".encode()
_MENDED = f"{C},c\n".encode()
_BIG = b"x" * 5_000_000

BAD = {
    "empty": Bad(b"", "FILE_EMPTY", 1, mended=f"imei\n{A}\n".encode()),
    "only a byte order mark": Bad(b"\xef\xbb\xbf", "FILE_EMPTY", 1),
    "only blank lines": Bad(b"\n\r\n \n", "FILE_EMPTY", 3),
    "only a header": Bad(b"imei,site\n", "FILE_WITHOUT_ROWS", 1),
    "only a header and blank lines": Bad(b"imei,site\n\n,\n", "FILE_WITHOUT_ROWS", 3),
    "no identifier column": Bad(b"site,room\na,b\n", "CSV_NO_IDENTIFIER_COLUMN", 1),
    "serial numbers alone": Bad(b"\nserial,room\na,b\n", "CSV_NO_IDENTIFIER_COLUMN", 2),
    "a column twice": Bad(f"imei,Site,Site\n{A},a,b\n".encode(), "CSV_DUPLICATE_COLUMN", 1),
    "an identifier twice": Bad(f"imei,IMEI 1\n{A},\n".encode(), "CSV_DUPLICATE_COLUMN", 1),
    "1,025 columns": Bad(
        b"imei," + b",".join(b"c%d" % n for n in range(1024)) + b"\n", "CSV_TOO_MANY_COLUMNS", 1
    ),
    "UTF-16 without a mark": Bad("imei\n1\n".encode("utf-16-le"), "CSV_NUL_CHARACTER", 1),
    "a quote that stays open": Bad(
        _HEADER_AND_TWO + f'{C},"c\n\n'.encode(), "CSV_UNCLOSED_QUOTE", 4, 3, "site", _MENDED
    ),
    "a quoted header that stays open": Bad(b'imei,"site\n1,2\n', "CSV_UNCLOSED_QUOTE", 1),
    "text after a closing quote": Bad(
        _HEADER_AND_TWO + f'{C},"c"x\n'.encode(), "CSV_QUOTE_MISPLACED", 4, 3, "site", _MENDED
    ),
    "text after a quote that closes lines later": Bad(
        _HEADER_AND_TWO + f'{C},"c\nd\ne"x\n'.encode(),
        "CSV_QUOTE_MISPLACED",
        6,
        3,
        "site",
        _MENDED,
    ),
    "a bare carriage return": Bad(
        _HEADER_AND_TWO + f"{C},c\rd\n".encode(), "CSV_LINE_ENDING", 4, 3, "site", _MENDED
    ),
    "Latin-1": Bad(
        _HEADER_AND_TWO + f"{C},M".encode() + b"\xfcnchen\n", "CSV_ENCODING", 4, 3, "", _MENDED
    ),
    "Latin-1 in the header": Bad(b"imei,Geb\xe4ude\n", "CSV_ENCODING", 1),
    "Latin-1 on the second line of a row": Bad(
        _HEADER_AND_TWO + f'{C},"c\n'.encode() + b'\xfc"\n', "CSV_ENCODING", 5, 3, "", _MENDED
    ),
    "cut off inside a character": Bad(
        _HEADER_AND_TWO + f"{C},c".encode() + b"\xc3", "CSV_ENCODING", 4, 3, "", _MENDED
    ),
    "UTF-16 cut off inside a character": Bad(
        b"\xff\xfe" + f"imei\n{A}\n".encode("utf-16-le") + b"3", "CSV_ENCODING", 3, 2
    ),
    "a field of 5 MB": Bad(
        _HEADER_AND_TWO + f"{C},".encode() + _BIG + b"\n",
        "CSV_FIELD_TOO_LARGE",
        4,
        3,
        "site",
        _MENDED,
    ),
    "a quoted field of 5 MB": Bad(
        _HEADER_AND_TWO + f'{C},"'.encode() + _BIG + b'"\n',
        "CSV_UNCLOSED_QUOTE",
        4,
        3,
        "site",
        _MENDED,
    ),
    "a field one character too long": Bad(
        _HEADER_AND_TWO + f"{C},{'x' * 65_537}\n".encode(),
        "CSV_FIELD_TOO_LARGE",
        4,
        3,
        "site",
        _MENDED,
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_with_its_place(wire: Wire, profile: str, bad: Bad) -> None:
    refused = wire.refused(opening(profile), file(bad.data))
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", bad.reason)
    place = {name: refused.metadata[name] for name in ("row", "line", "column")}
    assert place == {"row": str(bad.row), "line": str(bad.line), "column": bad.column}
    assert refused.message.startswith(f"line {bad.line}")
    assert len(refused.message) <= 1024


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_the_rows_before_the_fault_stay_and_the_upload_is_open(
    wire: Wire, profile: str, bad: Bad
) -> None:
    wire.refused(opening(profile), file(bad.data))
    upload, before = wire.upload(), max(0, bad.row - 1)
    assert (upload.state, upload.committed_rows, upload.created_count) == (OPEN, before, before)
    assert [device.imei for device in wire.devices()] == [core(1), core(2)][:before]
    committed = bad.data[: upload.committed_offset]
    assert upload.committed_crc32 == zlib.crc32(committed)
    assert before == 0 or committed.endswith((b"\n", b"\n\0"))


@pytest.mark.parametrize("from_start", [True, False], ids=["from the start", "from the position"])
@pytest.mark.parametrize(
    "bad", [pytest.param(bad, id=name) for name, bad in BAD.items() if bad.mended]
)
def test_a_file_mended_behind_the_position_ends_with_every_row_once(
    wire: Wire, profile: str, bad: Bad, *, from_start: bool
) -> None:
    wire.refused(opening(profile), file(bad.data))
    position = wire.upload().committed_offset
    mended = bad.data[:position] + bad.mended
    begin = 0 if from_start else position
    upload = wire.send(opening(profile), file(mended, begin=begin, size=7))
    count = max(1, bad.row)
    assert (upload.state, upload.created_count, upload.row_count) == (FINISHED, count, count)
    assert [device.imei for device in wire.devices()] == [core(1), core(2), core(3)][:count]
    assert upload.committed_offset == len(mended)
    assert upload.committed_crc32 == zlib.crc32(mended)


def _bom(text: str, encoding: str) -> bytes:
    return ("\ufeff" + text).encode(encoding)


GOOD = {
    "LF": f"imei,site\n{FOUR}".encode(),
    "CRLF": f"imei,site\n{FOUR}".replace("\n", "\r\n").encode(),
    "no line end at the end": f"imei,site\n{FOUR}".rstrip("\n").encode(),
    "quotes and blank lines": f'\n"imei","site"\n\n{FOUR}\n,\n'.replace("s1", '"s1"').encode(),
    "UTF-8 with a mark": _bom(f"imei,site\n{FOUR}", "utf-8"),
    "UTF-16 LE": _bom(f"imei,site\n{FOUR}", "utf-16-le"),
    "UTF-16 BE": _bom(f"imei,site\n{FOUR}", "utf-16-be"),
    "semicolons": f"imei;site\n{FOUR}".replace(",", ";").encode(),
    "tabs": f"imei\tsite\n{FOUR}".replace(",", "\t").encode(),
    "sep=;": f"sep=;\nimei;site\n{FOUR}".replace(",", ";").encode(),
    "sep=tab": f"sep=\t\nimei\tsite\n{FOUR}".replace(",", "\t").encode(),
    "sep=|": f"sep=|\nimei|site\n{FOUR}".replace(",", "|").encode(),
    "UTF-16 with tabs, as Excel saves it": _bom(
        f"imei\tsite\n{FOUR}".replace(",", "\t").replace("\n", "\r\n"), "utf-16-le"
    ),
}


@pytest.mark.parametrize("size", [1, 5, 1 << 18])
@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD.keys())
def test_a_good_file_is_read_in_every_form(
    wire: Wire, profile: str, data: bytes, size: int
) -> None:
    upload = wire.send(opening(profile), file(data, size=size))
    assert (upload.state, upload.created_count, upload.rejected_count) == (FINISHED, 4, 0)
    assert [(d.imei, d.attributes) for d in wire.devices()] == [
        (core(number), {"site": f"s{number}"}) for number in range(1, 5)
    ]
    assert [(c.column, c.field) for c in upload.columns] == [
        ("imei", "imei"),
        ("site", "attribute"),
    ]


def test_a_nul_in_a_row_rejects_that_row_alone(wire: Wire, profile: str) -> None:
    upload = wire.send(opening(profile), file(f"imei,site\n{A},a\0b\n{B},b\n"))
    assert (upload.state, upload.created_count, upload.rejected_count) == (FINISHED, 1, 1)
    [error] = upload.errors
    assert (error.reason, error.row, error.line, error.column) == ("NUL_CHARACTER", 1, 2, "site")
    assert list(error.values) == [A, "a\0b"]


def test_a_zero_touch_file_is_recognised(wire: Wire, profile: str) -> None:
    header = "modemtype,modemid,serial,model,manufacturer,profiletype,profileid"
    data = f"{header}\nIMEI,{A},R5,Pixel,Google,ZERO_TOUCH,7\n"
    upload = wire.send(opening(profile), file(data))
    assert upload.dialect == "zero-touch-customer"
    [device] = wire.devices()
    assert device[1:6] == (core(1), "", "R5", "Google", {"model": "Pixel"})


def test_an_intune_file_has_no_header(wire: Wire, profile: str) -> None:
    upload = wire.send(opening(profile), file(f"{A},lobby\n{B},\n", size=3))
    assert (upload.dialect, upload.created_count) == ("intune", 2)
    assert [(d.imei, d.attributes, d.line) for d in wire.devices()] == [
        (core(1), {"details": "lobby"}, 1),
        (core(2), {}, 2),
    ]
    assert wire.error_page().columns == ["imei", "details"]


def test_the_apostrophe_before_a_formula_is_taken_off_once(wire: Wire, profile: str) -> None:
    wire.send(opening(profile), file(f"imei,a,b,c\n{A},'=1+1,''@x,'plain\n", size=2))
    assert wire.devices()[0].attributes == {"a": "=1+1", "b": "'@x", "c": "'plain"}


def test_an_uploader_may_say_what_the_columns_are(wire: Wire, profile: str) -> None:
    mapping = {"Nummer": "imei", "Ort": "ignored"}
    upload = wire.send(
        opening(profile, column_mapping=mapping), file(f"Nummer,Ort,Raum\n{A},x,r\n")
    )
    assert upload.created_count == 1
    assert wire.devices()[0].attributes == {"Raum": "r"}


def test_a_mapping_of_a_column_that_is_not_there_names_it(wire: Wire, profile: str) -> None:
    mapping = {"Numer": "imei"}
    refused = wire.refused(opening(profile, column_mapping=mapping), file(f"Nummer\n{A}\n"))
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "FIELD_INVALID")
    assert "Numer" in refused.message
    assert wire.upload().state == OPEN
