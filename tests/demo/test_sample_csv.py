"""The sample is what it says: valid rows are valid, bad rows are bad for their reason."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from rollbook_server.demo.sample_csv import HEADER, SampleSummary, write_sample
from rollbook_server.domain.errors import RowReason

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 2_000
NEED_MORE = {
    RowReason.EXAMPLE_ROW,
    RowReason.DEVICE_ON_ROLL,
    RowReason.DEVICE_IN_OTHER_PROFILE,
    RowReason.KEYS_OF_SEVERAL_DEVICES,
}
FAULTS_OF_A_HEADER = {RowReason.ATTRIBUTE_NAME_INVALID, RowReason.TOO_MANY_ATTRIBUTES}
CONTROL = re.compile(r"[\x01-\x1f]")

Sample = tuple[SampleSummary, list[list[str]]]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    path = tmp_path_factory.mktemp("sample") / "devices.csv"
    return write_sample(path, rows=ROWS), read(path)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


def luhn(digits: str) -> bool:
    """The textbook's way, from the right: double every second, add up the digits."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


def imei_fault(imei: str) -> RowReason | None:
    digits = imei.replace("-", "")
    if re.fullmatch(r"\d\.\d+E\+\d+", imei):
        return RowReason.SPREADSHEET_EXPONENT
    if imei.startswith("="):
        return RowReason.SPREADSHEET_FORMULA
    if not digits.isdigit():
        return RowReason.IMEI_CHARACTERS
    if len(digits) == 13 and luhn(f"00{digits}"):
        return RowReason.SPREADSHEET_LOST_ZEROS
    if len(digits) != 15:
        return RowReason.IMEI_LENGTH
    return None if luhn(digits) else RowReason.IMEI_CHECK_DIGIT


def text_fault(serial: str, manufacturer: str, site: str) -> RowReason | None:
    if len(serial) > 128:
        return RowReason.SERIAL_NUMBER_TOO_LONG
    if len(manufacturer) > 128:
        return RowReason.MANUFACTURER_TOO_LONG
    if CONTROL.search(serial):
        return RowReason.SERIAL_NUMBER_CHARACTERS
    if CONTROL.search(manufacturer):
        return RowReason.MANUFACTURER_CHARACTERS
    return RowReason.ATTRIBUTE_TOO_LONG if len(site) > 4096 else None


def adequacy_fault(imei: str, serial: str, manufacturer: str) -> RowReason | None:
    if imei or (serial and manufacturer):
        return None
    if serial:
        return RowReason.MANUFACTURER_MISSING
    return RowReason.SERIAL_NUMBER_MISSING if manufacturer else RowReason.NO_IDENTIFIER


def fault(row: list[str], taken: set[str]) -> RowReason | None:
    """Judge one row anew, knowing nothing of how it was made; remembers its keys."""
    if any("\0" in cell for cell in row):
        return RowReason.NUL_CHARACTER
    if len(row) > len(HEADER):
        return RowReason.TOO_MANY_FIELDS
    imei, imei2, serial, manufacturer, site, _ = row
    found = adequacy_fault(imei, serial, manufacturer) or text_fault(serial, manufacturer, site)
    found = found or next((f for i in (imei, imei2) if i and (f := imei_fault(i))), None)
    if found or (imei and imei == imei2):
        return found or RowReason.IMEI_REPEATED
    keys = {i.replace("-", "") for i in (imei, imei2)} | {f"{serial}\0{manufacturer.casefold()}"}
    keys -= {"", "\0"}
    duplicate = bool(keys & taken)
    taken |= keys
    return RowReason.DUPLICATE_IN_FILE if duplicate else None


def test_the_summary_counts_what_stands_in_the_file(sample: Sample) -> None:
    summary, (header, *rows) = sample
    taken: set[str] = set()
    found = Counter(fault(row, taken) for row in rows)

    assert tuple(header) == HEADER
    assert summary.rows == len(rows) == ROWS
    del found[None]
    assert found == summary.bad_by_reason
    assert summary.bad_rows == found.total()


def test_every_reason_that_a_file_can_have_is_there(sample: Sample) -> None:
    assert set(sample[0].bad_by_reason) == set(RowReason) - NEED_MORE - FAULTS_OF_A_HEADER
    assert min(sample[0].bad_by_reason.values()) >= 2


def test_bad_rows_are_scattered(sample: Sample) -> None:
    taken: set[str] = set()
    places = [n for n, row in enumerate(sample[1][1:]) if fault(row, taken)]

    assert {place * 4 // ROWS for place in places} == {0, 1, 2, 3}


def test_devices_are_known_in_many_ways(sample: Sample) -> None:
    rows = sample[1][1:]
    ways = Counter(tuple(bool(cell) for cell in row[:4]) for row in rows if len(row) == 6)

    assert ways[True, False, True, True] > ROWS / 2
    assert ways[True, False, False, False] > ROWS / 20
    assert ways[False, False, True, True] > ROWS / 20
    assert 0 < ways[True, True, True, True] < ROWS / 10
    assert any("-" in row[0] for row in rows)


def test_sites_need_quotes_and_other_alphabets(sample: Sample) -> None:
    sites = {row[4] for row in sample[1][1:]}

    assert any("," in site for site in sites)
    assert any('"' in site for site in sites)
    assert any(not site.isascii() for site in sites)
    assert "" in sites


def test_several_makers_number_their_devices_in_their_own_way(sample: Sample) -> None:
    rows = [row for row in sample[1][1:] if row[2] and row[3]]
    makers = {row[3].casefold() for row in rows if len(row[3]) < 30 and row[3].isprintable()}

    assert len(makers) == 7
    assert any(row[2].isdigit() for row in rows)
    assert any(row[2].startswith("ZY22") for row in rows)


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_sample(tmp_path / name, rows=300, seed=seed)

    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other
    assert first.count(b"\r\n") == 301


def test_a_large_sample_has_no_identifier_twice_but_the_duplicates(tmp_path: Path) -> None:
    summary = write_sample(tmp_path / "large.csv", rows=60_000)
    taken: set[str] = set()
    found = Counter(fault(row, taken) for row in read(tmp_path / "large.csv")[1:])

    assert found[RowReason.DUPLICATE_IN_FILE] == summary.bad_by_reason[RowReason.DUPLICATE_IN_FILE]
    assert found[None] == summary.rows - summary.bad_rows


@pytest.mark.parametrize("rows", [0, 99, 5_000_001])
def test_a_sample_too_small_or_too_large_is_refused(tmp_path: Path, rows: int) -> None:
    with pytest.raises(ValueError, match="100 to 5,000,000 rows"):
        write_sample(tmp_path / "x.csv", rows=rows)
    assert not list(tmp_path.iterdir())
