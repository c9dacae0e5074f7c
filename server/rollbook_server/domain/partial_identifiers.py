"""Identifiers that are typed in part, or not quite: what they may stand for."""

from __future__ import annotations

import re
import unicodedata

from rollbook_server.domain.identifiers import (
    LONGEST_NAME,
    LONGEST_TYPED,
    IdentifierError,
    invisible,
)
from rollbook_server.domain.imeis import imei_or_none, parse_imei, plain_digits
from rollbook_server.domain.luhn import CORE

_MEID_PREFIX = re.compile(r"(?:99|[A-F])[0-9A-F]{0,12}|[A-F][0-9A-F]{13}")


def imei_prefix(text: str) -> str:
    """Give what a core begins with if its IMEI or MEID is typed as far as this.

    Empty if none begins so.
    """
    digits = plain_digits(text) if len(text) <= LONGEST_TYPED else ""
    if digits.isascii() and digits.isdigit() and len(digits) <= CORE + 2:
        return digits[:CORE]
    return digits if _MEID_PREFIX.fullmatch(digits) else ""


def serial_number_prefix(text: str) -> str:
    """Give what a serial number begins with that is typed as far as this, as it is kept.

    Empty if none begins so.
    """
    plain = text.strip()
    if len(plain) <= LONGEST_TYPED:
        plain = unicodedata.normalize("NFC", plain).strip()
    return "" if len(plain) > LONGEST_NAME or invisible(plain) else plain


def likely_imeis(text: str) -> list[str]:
    """Give the cores that a text may have been meant for, even if it is no IMEI.

    That is its 14 first digits, and its certain repair.
    """
    if len(text) > LONGEST_TYPED:
        return []
    try:
        return [parse_imei(text)]
    except IdentifierError as error:
        digits = plain_digits(text)
        whole = digits.isascii() and digits.isdigit() and CORE <= len(digits) <= CORE + 2
        repaired = imei_or_none(error.suggestion) if error.suggestion else None
        return [core for core in (digits[:CORE] if whole else "", repaired) if core]
