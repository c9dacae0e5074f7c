"""Serial number and manufacturer have one normal form each, or a clear fault."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.identifiers import IdentifierError, shortened
from rollbook_server.domain.serial_numbers import (
    manufacturer_key,
    parse_manufacturer,
    parse_serial_number,
    serial_number_or_empty,
)


def fault(parse: object, text: str) -> IdentifierError:
    assert callable(parse)
    with pytest.raises(IdentifierError) as caught:
        parse(text)
    return caught.value


def test_a_text_too_long_to_normalise_is_refused_unread() -> None:
    marks = "a" + "\u0301" * 500_000 + "\u0316" * 500_000
    for parse in (parse_serial_number, parse_manufacturer):
        with pytest.raises(IdentifierError):
            parse(marks)


@given(st.text(max_size=200))
def test_normal_forms_are_stable(text: str) -> None:
    serial = serial_number_or_empty(text)
    assert serial_number_or_empty(serial) == serial
    assert len(serial) <= 128


@given(st.text(max_size=60))
def test_serial_numbers_keep_their_case_and_lose_only_the_edges(text: str) -> None:
    serial = serial_number_or_empty(text)
    assume(serial)
    assert serial == unicodedata.normalize("NFC", text).strip()


@pytest.mark.parametrize("text", ["R58N123", "a-b/c.d", "1E5", "12E+5", "=A1", "e\u0301", "日本"])
def test_a_serial_number_is_opaque(text: str) -> None:
    assert parse_serial_number(f" {text}\t") == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        ("x" * 129, RowReason.SERIAL_NUMBER_TOO_LONG, ""),
        ("a\x07b", RowReason.SERIAL_NUMBER_CHARACTERS, ""),
        ("a\u200bb", RowReason.SERIAL_NUMBER_CHARACTERS, ""),
        ("1.23457E+12", RowReason.SPREADSHEET_EXPONENT, ""),
        ("1,23457E+12", RowReason.SPREADSHEET_EXPONENT, ""),
        ('="00 12"', RowReason.SPREADSHEET_FORMULA, "00 12"),
    ],
)
def test_a_malformed_serial_number_is_named(text: str, reason: RowReason, suggestion: str) -> None:
    error = fault(parse_serial_number, text)
    assert (error.reason, error.suggestion) == (reason, suggestion)


def test_manufacturers_are_compared_without_case() -> None:
    assert parse_manufacturer(" Samsung ") == ("Samsung", "samsung")
    assert parse_manufacturer("SAMSUNG").key == parse_manufacturer("samsung").key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 129, RowReason.MANUFACTURER_TOO_LONG),
        ("a\x07b", RowReason.MANUFACTURER_CHARACTERS),
        ('="HTC"', RowReason.SPREADSHEET_FORMULA),
    ],
)
def test_a_malformed_manufacturer_is_named(text: str, reason: RowReason) -> None:
    assert fault(parse_manufacturer, text).reason is reason
    assert manufacturer_key(text) == ""


def test_a_padded_name_counts_without_its_padding() -> None:
    assert parse_manufacturer(" " * 500 + "HTC").name == "HTC"
    assert parse_serial_number("A1" + " " * 500) == "A1"


def test_a_quoted_cell_is_short_and_on_one_line() -> None:
    assert shortened("a\nb" * 40) == ("a b" * 40)[:39] + "…"
    assert shortened("x" * 40) == "x" * 40
