"""Bad rows: each named with its place and cause, alone, beside others, and against the roll."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.upload_limits import UploadLimits
from uploads.wire import FINISHED, LineByLine, Row, Wire, core, file, finish, imei, opening, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server

HEADER = "IMEI,IMEI 2,Serial No,Make,Site"
A, B, C, D, E = (imei(number) for number in range(1, 6))


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


def table(*lines: str) -> str:
    return "\n".join([HEADER, *lines, ""])


class Bad(NamedTuple):
    """A row, and what is said of it."""

    reason: str
    row: str
    column: str = ""
    suggestion: str = ""


ALONE = [
    Bad("NO_IDENTIFIER", ",,,,Berlin"),
    Bad("MANUFACTURER_MISSING", ",,R5,,", "Make"),
    Bad("SERIAL_NUMBER_MISSING", ",,,HTC,", "Serial No"),
    Bad("IMEI_LENGTH", "3569380356438091234,,,,", "IMEI"),
    Bad("IMEI_LENGTH", "268435456000009001,,,,", "IMEI", "A0000000002329"),
    Bad("IMEI_LENGTH", f"{A},123,,,", "IMEI 2"),
    Bad("IMEI_CHARACTERS", "35693803564380x,,,,", "IMEI"),
    Bad("IMEI_CHARACTERS", "000000000000000,,R5,HTC,", "IMEI"),
    Bad("IMEI_CHARACTERS", f"'{A},,,,", "IMEI", A),
    Bad("IMEI_CHECK_DIGIT", "356938035643808,,,,", "IMEI"),
    Bad("IMEI_CHECK_DIGIT", f"{A},356938035643808,,,", "IMEI 2"),
    Bad("IMEI_REPEATED", f"{A},{A},,,", "IMEI 2"),
    Bad("SPREADSHEET_EXPONENT", "3.56938E+14,,,,", "IMEI"),
    Bad("SPREADSHEET_EXPONENT", f"{A},,1.5E+12,,", "Serial No"),
    Bad("SPREADSHEET_LOST_ZEROS", "4999010640000,,,,", "IMEI", "004999010640000"),
    Bad("SPREADSHEET_FORMULA", f'"=""{A}""",,,,', "IMEI", A),
    Bad("SPREADSHEET_FORMULA", f'{A},,"=""0R5""",,', "Serial No", "0R5"),
    Bad("SPREADSHEET_FORMULA", f'{A},,,"=""HTC""",', "Make", "HTC"),
    Bad("SERIAL_NUMBER_TOO_LONG", f"{A},,{'R' * 129},,", "Serial No"),
    Bad("SERIAL_NUMBER_CHARACTERS", f"{A},,R\u200b5,,", "Serial No"),
    Bad("MANUFACTURER_TOO_LONG", f"{A},,,{'H' * 129},", "Make"),
    Bad("MANUFACTURER_CHARACTERS", f"{A},,,H\x07C,", "Make"),
    Bad("ATTRIBUTE_TOO_LONG", f"{A},,,,{'x' * 4097}", "Site"),
    Bad("NUL_CHARACTER", f"{A},,R\0,,", "Serial No"),
    Bad("TOO_MANY_FIELDS", f"{A},,,,Berlin,Mitte"),
    Bad("EXAMPLE_ROW", "004999010640000,,EXAMPLE-0001,Example,example", "IMEI"),
    Bad("EXAMPLE_ROW", f"{A},0049990106400000,,,", "IMEI 2"),
    Bad("EXAMPLE_ROW", f"{A},,EXAMPLE-0001,,", "Serial No"),
]


@pytest.mark.parametrize("bad", ALONE, ids=lambda bad: f"{bad.reason}-{bad.row[:12]!r}")
def test_a_bad_row_is_named_and_its_neighbours_are_taken(
    wire: Wire, profile: str, bad: Bad
) -> None:
    upload = wire.send(opening(profile), file(table(f"{D},,,,", bad.row, f"{E},,,,")))
    assert (upload.state, upload.created_count, upload.rejected_count) == (FINISHED, 2, 1)
    [error] = upload.errors
    assert (error.reason, error.row, error.line) == (bad.reason, 2, 3)
    assert (error.column, error.suggestion) == (bad.column, bad.suggestion)
    assert error.message
    assert error.device_id == ""
    assert [device.imei for device in wire.devices()] == [core(4), core(5)]


TYPED = [
    (Row(imei=A, attributes={" ": "x"}), "ATTRIBUTE_NAME_INVALID", " "),
    (Row(imei=A, attributes={"n" * 129: "x"}), "ATTRIBUTE_NAME_INVALID", "n" * 39 + "…"),
    (Row(imei=A, attributes={f"n{k}": "x" for k in range(101)}), "TOO_MANY_ATTRIBUTES", ""),
    (Row(imei=A, attributes={"n": "x" * 4097}), "ATTRIBUTE_TOO_LONG", "n"),
    (Row(imei=A, attributes={"n": "\0"}), "NUL_CHARACTER", "n"),
    (Row(imei=A + "\0"), "NUL_CHARACTER", "imei"),
    (Row(imei="004999010640000"), "EXAMPLE_ROW", "imei"),
]


@pytest.mark.parametrize(("row", "reason", "column"), TYPED, ids=[t[1] for t in TYPED])
def test_a_bad_typed_row_is_named(
    wire: Wire, profile: str, row: Row, reason: str, column: str
) -> None:
    upload = wire.send(opening(profile), rows([Row(imei=D), row]), finish(total_rows=2))
    [error] = upload.errors
    assert (error.reason, error.column, error.row, error.line) == (reason, column, 2, 2)


def test_every_reason_of_the_contract_is_met_in_this_file() -> None:
    met = {bad.reason for bad in ALONE} | {reason for _, reason, _ in TYPED}
    met |= {error[0] for _, errors in AMONG for error in errors}
    met |= {"DEVICE_ON_ROLL", "DEVICE_IN_OTHER_PROFILE", "KEYS_OF_SEVERAL_DEVICES"}
    assert met == set(RowReason)


_TWICE = "DUPLICATE_IN_FILE"
AMONG: list[tuple[list[str], list[tuple[str, int, str, int]]]] = [
    ([f"{A},,,,", f"{B},,,,", f"{A},,,,"], [(_TWICE, 3, "IMEI", 2)]),
    ([f"{A},,,,"] * 4, [(_TWICE, row, "IMEI", 2) for row in (2, 3, 4)]),
    ([f"{A},,,,x", f"{A[:14]},,,,y"], [(_TWICE, 2, "IMEI", 2)]),
    ([f"{A},{B},,,", f"{B},,,,"], [(_TWICE, 2, "IMEI", 2)]),
    ([f"{A},,,,", f"{B},{A},,,"], [(_TWICE, 2, "IMEI 2", 2)]),
    ([f"{A},{B},,,", f"{B},{A},,,"], [(_TWICE, 2, "IMEI", 2)]),
    ([f"{A},,,,", f"{C},,,,", f"{D},,,,", f"{E},{A},,,"], [(_TWICE, 4, "IMEI 2", 2)]),
    ([",,R5,HTC,", f"{A},,R5,htc ,"], [(_TWICE, 2, "Serial No", 2)]),
    ([",,R5,HTC,", ",,r5,HTC,", ",,R5,LG,", f"{A},,R5,,"], []),
    # A row that was itself rejected holds nothing.
    ([f"{A},,,,", f"{A},{B},,,", f"{B},,,,"], [(_TWICE, 2, "IMEI", 2)]),
    ([f"{A},{A},,,", f"{A},,,,"], [("IMEI_REPEATED", 1, "IMEI 2", 0)]),
]


@pytest.mark.parametrize("sender", [LineByLine, Wire], ids=["row by row", "as one batch"])
@pytest.mark.parametrize("validate_only", [False, True])
@pytest.mark.parametrize("among", AMONG, ids=lambda among: f"{len(among[0])} rows")
def test_rows_that_repeat_an_identifier_point_to_the_line_that_has_it(
    server: Server,
    profile: str,
    *,
    among: tuple[list[str], list[tuple[str, int, str, int]]],
    sender: type[Wire],
    validate_only: bool,
) -> None:
    lines, expected = among
    with sender(server) as wire:
        opened = opening(profile, validate_only=validate_only)
        upload = wire.send(opened, file(table(*lines), size=9))
    assert upload.created_count == len(lines) - len(expected)
    errors = upload.errors
    assert [(e.reason, e.row, e.column) for e in errors] == [each[:3] for each in expected]
    assert all(
        line == 0 or f"line {line} " in e.message
        for e, (*_, line) in zip(errors, expected, strict=True)
    )


def test_errors_are_paged_in_order_of_row_under_the_uploaders_header(
    wire: Wire, profile: str
) -> None:
    lines = [f"{imei(n)},,,,s" if n % 2 else f"bad{n},,,,s{n}" for n in range(250)]
    upload = wire.send(opening(profile), file(table(*lines)))
    assert [e.row for e in upload.errors] == list(range(1, 200, 2))
    first = wire.error_page(page_size=100)
    second = wire.error_page(page_size=100, page_token=first.next_page_token)
    assert [e.row for e in [*first.errors, *second.errors]] == list(range(1, 250, 2))
    assert second.next_page_token == ""
    assert first.columns == HEADER.split(",")
    assert (first.total_count, second.total_count) == (125, 125)
    assert list(second.errors[-1].values) == ["bad248", "", "", "", "s248"]
    assert wire.error_page() == wire.error_page(page_size=10_000)


def test_large_rejected_rows_fit_the_answers(wire: Wire, profile: str) -> None:
    lines = [f"bad{n},,,,{'é' * 60_000}" for n in range(60)]
    upload = wire.send(opening(profile), file(table(*lines)))
    assert (upload.rejected_count, wire.upload()) == (60, upload)
    shown = len(upload.errors)
    assert 0 < shown < 60
    assert [e.row for e in upload.errors] == list(range(1, shown + 1))
    page, seen = wire.error_page(), 0
    while page.next_page_token:
        seen += len(page.errors)
        page = wire.error_page(page_token=page.next_page_token)
    assert [e.row for e in page.errors] == list(range(seen + 1, 61))


def test_rejected_rows_are_written_mended_and_uploaded_again(
    wire: Wire, profile: str, admin: AdminClient, tmp_path: Path
) -> None:
    lines = [f"{A},,,,=x", 'bad,,R5,HTC,"a ""b"", c"', f"{A},,,,twice", ",,R6,,'-d"]
    upload = wire.send(opening(profile), file(table(*lines)))
    assert (upload.created_count, upload.rejected_count) == (1, 3)
    path = tmp_path / "errors.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as report:
        assert admin.write_upload_errors("u", report) == 3
    text = path.read_text(encoding="utf-8-sig")
    mended = text.replace("bad", B, 1).replace(A, C, 1).replace("R6,", "R6,HTC", 1)
    path.write_text(mended, encoding="utf-8-sig")
    again = admin.upload_devices(profile, path)
    assert (again.created_count, again.rejected_count) == (3, 0)
    assert [(d[1:5], d.attributes["Site"]) for d in wire.devices()] == [
        ((core(1), "", "", ""), "=x"),
        ((core(2), "", "R5", "HTC"), 'a "b", c'),
        ((core(3), "", "", ""), "twice"),
        (("", "", "R6", "HTC"), "-d"),
    ]


@pytest.mark.parametrize("validate_only", [False, True])
def test_rows_that_repeat_an_identifier_are_found_over_several_batches(
    serve: Callable[..., Server], *, validate_only: bool
) -> None:
    server = serve(upload_limits=UploadLimits(batch_rows=3))
    given = [Row(imei=each) for each in (A, B, C, A, D, E, C, D)]
    with server.admin() as admin, Wire(server) as wire:
        opened = opening(admin.create_profile("Depot").profile_id, validate_only=validate_only)
        upload = wire.send(opened, rows(given, size=1), finish(total_rows=8))
    assert [(e.reason, e.row) for e in upload.errors] == [(_TWICE, row) for row in (4, 7, 8)]
