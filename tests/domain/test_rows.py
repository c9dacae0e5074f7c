"""Rows are adequate or rejected with one clear cause, alone and in any company."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain.columns import understand
from rollbook_server.domain.devices import DeviceRow, RowError
from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.luhn import check_digit
from rollbook_server.domain.row_blocks import Records
from rollbook_server.domain.rows import RowChecker
from rollbook_server.domain.single_rows import TYPED_COLUMNS, check_typed

IMEI, CORE = "356938035643809", "35693803564380"
OTHER, OTHER_CORE = "490154203237518", "49015420323751"
HEADER = ["IMEI", "IMEI 2", "Serial No", "Make", "Site", "Tag", "Rollbook Error"]
CHECKER = RowChecker(understand(HEADER))

imeis = st.integers(1, 10**14 - 1).map(lambda n: f"{n:014}").map(lambda c: c + check_digit(c))
odd_cells = st.sampled_from(
    [
        *("", " ", "x", "a\0", IMEI, CORE, "1.2E+14", '="1"', "0" * 15, "x" * 5000),
        *("004999010640000", "EXAMPLE-0001", "356938035643808", "356938035643800"),
    ]
)
wide_rows = st.tuples(
    imeis | odd_cells,
    st.just("") | odd_cells,
    st.just("R5-8") | odd_cells,
    st.sampled_from(["samsung", "HTC", ""]) | odd_cells,
    st.just("Berlin") | odd_cells,
    odd_cells,
    st.just(""),
).map(list)
plain_rows = imeis.map(lambda imei: [imei, "", "R5-8", "HTC", "Berlin", "", ""])
rows_of_cells = st.lists(wide_rows | st.lists(odd_cells, min_size=1, max_size=9), max_size=5)


def records_of(*rows: list[str]) -> Records:
    return Records(range(1, len(rows) + 1), range(2, len(rows) + 2), rows)


def checked(records: Records) -> tuple[list[DeviceRow], list[RowError]]:
    rows, errors = CHECKER.check(records)
    return list(rows), errors


def checked_singly(records: Records) -> tuple[list[DeviceRow], list[RowError]]:
    errors: list[RowError] = []
    return list(CHECKER._check_singly(records, errors)), errors


def judged(*values: str) -> DeviceRow | RowError:
    rows, errors = CHECKER.check(records_of([*values, *[""] * (7 - len(values))]))
    return rows[0] if rows else errors[0]


def test_a_row_is_given_in_normal_form() -> None:
    cells = ["35-693803-564380-9", OTHER, " R58N ", " HTC ", "Berlin", "", "old error"]
    assert judged(*cells) == DeviceRow(
        1, 2, CORE, OTHER_CORE, "R58N", "HTC", "htc", {"Site": "Berlin"}, cells
    )


def test_a_plain_row_is_given_in_the_same_form() -> None:
    cells = [IMEI, "", "R58N", "HTC", "Berlin", "7", ""]
    assert judged(*cells) == DeviceRow(
        1, 2, CORE, "", "R58N", "HTC", "htc", {"Site": "Berlin", "Tag": "7"}, cells
    )


@pytest.mark.parametrize(
    ("cells", "keys"),
    [
        ([IMEI], (CORE, "", "", "")),
        (["", IMEI], (CORE, "", "", "")),
        (["", "", "R58N", "HTC"], ("", "", "R58N", "htc")),
        ([IMEI, "", "R58N"], (CORE, "", "R58N", "")),
        ([IMEI, "", "", "HTC"], (CORE, "", "", "")),
        ([CORE, OTHER_CORE], (CORE, OTHER_CORE, "", "")),
    ],
)
def test_an_imei_or_serial_number_and_manufacturer_are_enough(
    cells: list[str], keys: tuple[str, ...]
) -> None:
    row = judged(*cells)
    assert isinstance(row, DeviceRow)
    assert (row.imei, row.imei2, row.serial_number, row.manufacturer_key) == keys


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        (["", "", "", "", "Berlin"], "", RowReason.NO_IDENTIFIER),
        (["", "", "R58N"], "Make", RowReason.MANUFACTURER_MISSING),
        (["", "", "", "HTC"], "Serial No", RowReason.SERIAL_NUMBER_MISSING),
        (["12", "", "R58N", "HTC"], "IMEI", RowReason.IMEI_LENGTH),
        ([IMEI, "12"], "IMEI 2", RowReason.IMEI_LENGTH),
        ([IMEI, CORE], "IMEI 2", RowReason.IMEI_REPEATED),
        ([IMEI, IMEI], "IMEI 2", RowReason.IMEI_REPEATED),
        ([IMEI, "", "x" * 129], "Serial No", RowReason.SERIAL_NUMBER_TOO_LONG),
        ([IMEI, "", "", "x" * 129], "Make", RowReason.MANUFACTURER_TOO_LONG),
        ([IMEI, "", "", "", "x" * 4097], "Site", RowReason.ATTRIBUTE_TOO_LONG),
        ([IMEI, "", "", "", "a\0"], "Site", RowReason.NUL_CHARACTER),
        ([IMEI, "", "", "", "", "", "\0"], "Rollbook Error", RowReason.NUL_CHARACTER),
        ([IMEI, "", "", "", "", "", "", "x"], "", RowReason.TOO_MANY_FIELDS),
    ],
)
def test_a_rejected_row_says_where_and_why(
    cells: list[str], column: str, reason: RowReason
) -> None:
    error = judged(*cells)
    assert isinstance(error, RowError)
    assert (error.row, error.line, error.column, error.reason) == (1, 2, column, reason)
    assert error.values[: len(cells)] == cells
    assert error.message


def test_a_certain_repair_is_suggested() -> None:
    error = judged('="' + IMEI + '"')
    assert isinstance(error, RowError)
    assert error.suggestion == IMEI


@given(rows_of_cells)
def test_rows_are_judged_together_as_they_are_alone(rows: list[list[str]]) -> None:
    records = records_of(*rows)
    together, errors = checked(records)
    assert (together, errors) == checked_singly(records)
    assert sorted([r.row for r in together] + [e.row for e in errors]) == [r.row for r in records]


@given(st.lists(plain_rows | plain_rows | plain_rows | wide_rows, max_size=12))
def test_the_odd_ones_out_are_judged_as_if_they_were_alone(rows: list[list[str]]) -> None:
    records = records_of(*rows)
    assert checked(records) == checked_singly(records)


@given(st.lists(imeis, min_size=1, max_size=20), st.booleans(), st.data())
def test_plain_columns_are_judged_as_single_rows_are(
    column: list[str],
    has_serials: bool,
    data: st.DataObject,
) -> None:
    second = data.draw(st.sampled_from(["", IMEI, "0" * 15]))
    site = data.draw(st.sampled_from(["", "Berlin"]))
    serial = "R-1" if has_serials else ""
    records = records_of(*[[c, second, serial, "HTC", site, "", ""] for c in column])
    assert checked(records) == checked_singly(records)


def test_one_bad_row_among_many_is_the_only_one_rejected() -> None:
    cells = [IMEI, "", "R58N", "HTC", "Berlin", "7", ""]
    rows = [cells] * 600
    rows[300] = ["1", *cells[1:]]
    good, errors = CHECKER.check(records_of(*rows))
    assert [row.row for row in good] == [n for n in range(1, 601) if n != 301]
    assert [error.row for error in errors] == [301]


def test_a_header_with_too_long_a_name_rejects_rows_that_use_it() -> None:
    checker = RowChecker(understand(["imei", "n" * 129]))
    rows, errors = checker.check(records_of([IMEI, ""], [IMEI, "x"]))
    assert [row.row for row in rows] == [1]
    assert [error.reason for error in errors] == [RowReason.ATTRIBUTE_NAME_INVALID]


def test_more_than_a_hundred_attributes_are_refused() -> None:
    checker = RowChecker(understand(["imei", *(f"a{n}" for n in range(101))]))
    rows, errors = checker.check(records_of([IMEI] + ["x"] * 100 + [""], [IMEI] + ["x"] * 101))
    assert [row.row for row in rows] == [1]
    assert [error.reason for error in errors] == [RowReason.TOO_MANY_ATTRIBUTES]


def typed(**fields: object) -> DeviceRow | RowError:
    cells = dict.fromkeys(TYPED_COLUMNS, "") | {"attributes": {}, "source_line": 0} | fields
    return check_typed(SimpleNamespace(**cells), 7)


def test_a_typed_row_keeps_the_rules_of_files() -> None:
    row = typed(imei=IMEI, manufacturer="HTC", attributes={"a": "1", "b": ""}, source_line=9)
    assert row == DeviceRow(7, 9, CORE, "", "", "HTC", "", {"a": "1"}, (IMEI, "", "", "HTC"))


@pytest.mark.parametrize(
    ("fields", "column", "reason"),
    [
        ({}, "", RowReason.NO_IDENTIFIER),
        ({"imei": "1"}, "imei", RowReason.IMEI_LENGTH),
        ({"serial_number": "a\0"}, "serial_number", RowReason.NUL_CHARACTER),
        ({"imei": IMEI, "attributes": {"a\0": "x"}}, "a", RowReason.NUL_CHARACTER),
        ({"imei": IMEI, "attributes": {" ": "x"}}, " ", RowReason.ATTRIBUTE_NAME_INVALID),
        ({"imei": IMEI, "attributes": {"": "x"}}, "", RowReason.ATTRIBUTE_NAME_INVALID),
    ],
)
def test_a_rejected_typed_row_names_the_field(
    fields: dict[str, object], column: str, reason: RowReason
) -> None:
    error = typed(**fields)
    assert isinstance(error, RowError)
    assert (error.row, error.line, error.column, error.reason) == (7, 7, column, reason)
