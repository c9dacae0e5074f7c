"""Serial numbers and manufacturers, which identify a device together, in normal form."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.identifiers import (
    LONGEST_NAME,
    LONGEST_TYPED,
    IdentifierError,
    formula_fault,
    invisible,
    rounded_fault,
)

_FORMULA = re.compile(r'=\s*"(.*)"\s*', re.DOTALL)
# A serial number is opaque: only what no maker would print counts as damage.
_ROUNDED_SERIAL = re.compile(r"\d[.,]\d+[eE]\+\d+")


class Manufacturer(NamedTuple):
    """A maker's name as it was written, and the key it is compared by."""

    name: str
    key: str


def parse_serial_number(text: str) -> str:
    """Give the serial number as it is compared: trimmed, NFC, at most 128 characters.

    Raises:
        IdentifierError: it is too long, holds control characters, or a
            spreadsheet has damaged it.
    """
    # Letters and digits need no second look: no space, sign or control among them.
    if len(text) <= LONGEST_NAME and text.isascii() and text.isalnum():
        return text
    plain = _plain(text)
    if _ROUNDED_SERIAL.fullmatch(plain):
        raise rounded_fault(plain, "serial number")
    _refuse_long(plain, "serial number", RowReason.SERIAL_NUMBER_TOO_LONG)
    _refuse_invisible(plain, "serial number", RowReason.SERIAL_NUMBER_CHARACTERS)
    return plain


def parse_manufacturer(text: str) -> Manufacturer:
    """Give the name, trimmed and in NFC, and its key, which knows no case.

    Raises:
        IdentifierError: it is too long, holds control characters, or is written
            as a formula.
    """
    # Only short cells are remembered, or padding could fill the memory.
    return known_manufacturer(text) if len(text) <= LONGEST_NAME else _manufacturer(text)


def _manufacturer(text: str) -> Manufacturer:
    plain = _plain(text)
    _refuse_long(plain, "manufacturer", RowReason.MANUFACTURER_TOO_LONG)
    _refuse_invisible(plain, "manufacturer", RowReason.MANUFACTURER_CHARACTERS)
    return Manufacturer(plain, plain.casefold())


# `parse_manufacturer` for cells of at most 128 characters. A file names a few
# makers 200,000 times; 4,096 spellings are more than there are makers.
known_manufacturer = lru_cache(maxsize=4096)(_manufacturer)


def serial_number_or_empty(text: str) -> str:
    """Give the serial number that a device presents, empty if it cannot be on the roll."""
    try:
        return parse_serial_number(text)
    except IdentifierError:
        return ""


def manufacturer_key(text: str) -> str:
    """Give what a manufacturer is compared by, empty if it cannot be on the roll."""
    try:
        return parse_manufacturer(text).key
    except IdentifierError:
        return ""


def _plain(text: str) -> str:
    plain = text.strip()
    if len(plain) <= LONGEST_TYPED:
        plain = unicodedata.normalize("NFC", plain).strip()
    _refuse_formula(plain)
    return plain


def _refuse_formula(plain: str) -> None:
    if formula := _FORMULA.fullmatch(plain):
        raise formula_fault(plain, formula[1].replace('""', '"'))


def _refuse_long(plain: str, what: str, reason: RowReason) -> None:
    if len(plain) > LONGEST_NAME:
        message = f"the {what} has {len(plain):,} characters; at most {LONGEST_NAME} are allowed"
        raise IdentifierError(reason, message)


def _refuse_invisible(plain: str, what: str, reason: RowReason) -> None:
    """Refuse what nobody sees, and what would therefore never be found equal."""
    if hidden := invisible(plain):
        message = f"the invisible character U+{ord(hidden[0]):04X} stands in the {what}; remove it"
        raise IdentifierError(reason, message)
