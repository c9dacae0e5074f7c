"""Writes a CSV file of made-up devices, as an administrator would upload it.

The identifiers are valid and unique, the makers and sites plausible, and a few
hundred rows are bad: some for every reason that a row of a file can be rejected
for. The same arguments give the same bytes.
"""

from __future__ import annotations

import csv
import random
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.luhn import check_digit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

HEADER = ("IMEI", "IMEI2", "Serial Number", "Manufacturer", "Site", "Asset Tag")
LEAST_ROWS = 100  # fewer have no room for every reason
MOST_ROWS = 5_000_000  # more would give an IMEI out twice
_ROWS_A_BAD_ONE = 10_000  # for each reason; 360 bad rows of 200,000
_LEAST_BAD_ROWS = 2  # for each reason


class SampleSummary(NamedTuple):
    """What stands in a sample; row 1 is the first one after the header."""

    rows: int
    bad_rows: int
    bad_by_reason: Mapping[RowReason, int]
    bad_row_numbers: frozenset[int]


class _Maker(NamedTuple):
    """How one maker's devices are numbered; `share` of 20 devices are its."""

    name: str
    share: int
    type_codes: tuple[str, ...]  # TACs, none with 0 for its third digit: see _lost_zeros
    serial_prefix: str
    serial_alphabet: str
    serial_length: int


class _Row(NamedTuple):
    imei: str
    imei2: str
    serial_number: str
    manufacturer: str
    site: str
    asset_tag: str


_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"
_MAKERS = (
    _Maker("samsung", 8, ("35684610", "35824011", "35260912", "35332510"),
           "R5C", _DIGITS + _LETTERS, 8),
    _Maker("Google", 3, ("35824005", "35538115"), "2", _DIGITS + _LETTERS, 13),
    _Maker("Zebra Technologies", 3, ("35847631", "35119809"), "2", _DIGITS, 13),
    _Maker("Honeywell", 2, ("35710609", "35938306"), "2", _DIGITS + "ABCDEF", 9),
    _Maker("motorola", 2, ("35693803", "35487211"), "ZY22", _DIGITS + _LETTERS, 6),
    _Maker("Xiaomi", 1, ("86741205",), "", _DIGITS + "abcdef", 8),
    _Maker("OnePlus", 1, ("86438904",), "", "abcdef" + _DIGITS, 8),
)  # fmt: skip
# One block of 20 rows: each maker as often as its share, with its turn in the block.
_BLOCK = tuple((maker, turn) for maker in _MAKERS for turn in range(maker.share))
_SITES = (
    "Zürich Hauptbahnhof", "São Paulo, Centro", "Malmö", "Łódź", "東京 品川", "Αθήνα",
    "Lager 4, Köln", 'Werk "Nord", Tor 2', "København Ø", "İstanbul", "Bengaluru", "Québec, QC",
    "Dallas", "Leeds", "", "Kyiv / Київ", "Saint-Étienne", "Durban", "القاهرة", "Ålesund",
)  # fmt: skip

# Neither even nor a multiple of 5, as no alphabet's length has another prime factor:
# multiplying by it gives no serial number twice.
_SCATTER = 2_862_933_555_777_941_757
_STRIDE = 7_919  # a prime, for the same reason
_SERIALS_A_TYPE = 1_000_000


def write_sample(path: Path, *, rows: int = 200_000, seed: int = 7) -> SampleSummary:
    """Write the file, in UTF-8 with the line ends of RFC 4180; replaces what stood there.

    Raises ValueError for fewer than LEAST_ROWS and more than MOST_ROWS rows.
    """
    if not LEAST_ROWS <= rows <= MOST_ROWS:
        raise ValueError(f"a sample has {LEAST_ROWS} to {MOST_ROWS:,} rows")
    dice = random.Random(seed)  # noqa: S311 - nobody has to be kept from guessing
    bad = _bad_places(rows, dice)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_lines(rows, bad, dice))
    return SampleSummary(
        rows,
        len(bad),
        bad_by_reason=dict.fromkeys(_SPOILERS, len(bad) // len(_SPOILERS)),
        bad_row_numbers=frozenset(number + 1 for number in bad),
    )


def _bad_places(rows: int, dice: random.Random) -> dict[int, RowReason]:
    each = max(_LEAST_BAD_ROWS, rows // _ROWS_A_BAD_ONE)
    reasons = [reason for reason in _SPOILERS for _ in range(each)]
    # Not the first row: a duplicate needs one before it.
    return dict(zip(dice.sample(range(1, rows), len(reasons)), reasons, strict=True))


def _lines(rows: int, bad: Mapping[int, RowReason], dice: random.Random) -> Iterator[Sequence[str]]:
    first = earlier = _whole_row(0, dice)
    yield first
    for number in range(1, rows):
        row = _whole_row(number, dice)
        if number in bad:
            yield _SPOILERS[bad[number]](row, earlier)
        else:
            row = _thinned(row, dice.random())
            earlier = row if row.imei else earlier
            yield row


def _whole_row(number: int, dice: random.Random) -> _Row:
    block, place = divmod(number, len(_BLOCK))
    maker, turn = _BLOCK[place]
    index = block * maker.share + turn
    return _Row(
        imei=_imei(maker, 2 * index),
        imei2=_imei(maker, 2 * index + 1),
        serial_number=_serial_number(maker, index),
        manufacturer=maker.name,
        site=_SITES[int(dice.random() * len(_SITES))],
        asset_tag=f"AT-{number + 1:07}",
    )


def _thinned(row: _Row, chance: float) -> _Row:
    # What administrators know of a device, and how they write it.
    if chance < 0.70:  # noqa: PLR2004 - shares of one
        return row._replace(imei2="")
    if chance < 0.82:  # noqa: PLR2004
        return row._replace(imei2="", serial_number="", manufacturer="")
    if chance < 0.94:  # noqa: PLR2004
        return row._replace(imei="", imei2="")
    if chance < 0.97:  # noqa: PLR2004
        return row
    i = row.imei
    return row._replace(
        imei=f"{i[:2]}-{i[2:8]}-{i[8:14]}-{i[14]}", imei2="", manufacturer=row.manufacturer.upper()
    )


def _imei(maker: _Maker, index: int) -> str:
    position, which = divmod(index, len(maker.type_codes))
    serial = (position * _STRIDE + 135_790) % _SERIALS_A_TYPE
    return _with_check_digit(f"{maker.type_codes[which]}{serial:06}")


def _with_check_digit(core: str) -> str:
    return core + check_digit(core)


def _serial_number(maker: _Maker, index: int) -> str:
    alphabet, base = maker.serial_alphabet, len(maker.serial_alphabet)
    scattered = (index + 1) * _SCATTER % base**maker.serial_length
    text = ""
    for _ in range(maker.serial_length):
        scattered, digit = divmod(scattered, base)
        text += alphabet[digit]
    return maker.serial_prefix + text


def _lost_zeros(imei: str) -> str:
    # Test equipment has IMEIs that begin with 00; the third digit is never 0 here.
    return _with_check_digit(f"00{imei[2:14]}").lstrip("0")


def _with_another_check_digit(imei: str) -> str:
    return f"{imei[:14]}{(int(imei[14]) + 1) % 10}"


# For every reason: what makes a whole row bad for it and for no other one. Not here
# are the reasons that need a roll (DEVICE_ON_ROLL, DEVICE_IN_OTHER_PROFILE,
# KEYS_OF_SEVERAL_DEVICES) or a template (EXAMPLE_ROW), and those that in a file are a
# fault of its header (ATTRIBUTE_NAME_INVALID, TOO_MANY_ATTRIBUTES).
_SPOILERS: Mapping[RowReason, Callable[[_Row, _Row], Sequence[str]]] = {
    RowReason.NO_IDENTIFIER: lambda row, _: ("", "", "", "", row.site, row.asset_tag),
    RowReason.MANUFACTURER_MISSING: lambda row, _: row._replace(imei="", imei2="", manufacturer=""),
    RowReason.SERIAL_NUMBER_MISSING: lambda row, _: row._replace(
        imei="", imei2="", serial_number=""
    ),
    RowReason.IMEI_LENGTH: lambda row, _: row._replace(imei=f"{row.imei}01"),
    RowReason.IMEI_CHARACTERS: lambda row, _: row._replace(imei=f"{row.imei[:7]}O{row.imei[8:]}"),
    RowReason.IMEI_CHECK_DIGIT: lambda row, _: row._replace(
        imei=_with_another_check_digit(row.imei)
    ),
    RowReason.IMEI_REPEATED: lambda row, _: row._replace(imei2=row.imei),
    RowReason.SPREADSHEET_EXPONENT: lambda row, _: row._replace(
        imei=f"{row.imei[0]}.{row.imei[1:6]}E+14"
    ),
    RowReason.SPREADSHEET_LOST_ZEROS: lambda row, _: row._replace(imei=_lost_zeros(row.imei)),
    RowReason.SPREADSHEET_FORMULA: lambda row, _: row._replace(imei=f'="{row.imei}"'),
    RowReason.SERIAL_NUMBER_TOO_LONG: lambda row, _: row._replace(
        serial_number=row.serial_number * 20
    ),
    RowReason.SERIAL_NUMBER_CHARACTERS: lambda row, _: row._replace(
        serial_number=f"{row.serial_number[:4]}\x07{row.serial_number[4:]}"
    ),
    RowReason.MANUFACTURER_TOO_LONG: lambda row, _: row._replace(
        manufacturer=f"{row.manufacturer}{' Mobile Communications' * 8}"
    ),
    RowReason.MANUFACTURER_CHARACTERS: lambda row, _: row._replace(
        manufacturer=f"{row.manufacturer[:3]}\x1b{row.manufacturer[3:]}"
    ),
    RowReason.ATTRIBUTE_TOO_LONG: lambda row, _: row._replace(site=f"{row.site} see remarks" * 400),
    RowReason.NUL_CHARACTER: lambda row, _: row._replace(site=f"{row.site}\0"),
    RowReason.TOO_MANY_FIELDS: lambda row, _: (*row, "left over"),
    RowReason.DUPLICATE_IN_FILE: lambda row, earlier: row._replace(imei=earlier.imei),
}
