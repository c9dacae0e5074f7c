"""IMEIs in normal form: the 14-character core of an IMEI, an IMEISV or a MEID."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from rollbook_server.domain import example_row
from rollbook_server.domain import spreadsheet_damage as damage
from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.identifiers import (
    LONGEST_TYPED,
    IdentifierError,
    formula_fault,
    rounded_fault,
)
from rollbook_server.domain.luhn import CORE, IMEI, check_digit, luhn_excess, luhn_holds

ZERO_CORE = "0" * CORE
# Digits that are refused wherever they stand, though their check digit is right.
NO_CORES = (ZERO_CORE, example_row.IMEI_CORE)
# What people and labels put between the digits, and the marks that come along
# invisibly when an IMEI is copied from a dialog or a web page.
_SEPARATORS = dict.fromkeys(
    map(ord, " \t-./_\u2010\u2011\u2012\u2013\u2014\u2212\u200b\u200e\u200f\u202a\u202c\ufeff")
)
# A MEID's region code is A0 or higher, or 99 where it doubles as an IMEI. Nothing
# else is taken for one, or an IMEI with a mistyped letter would be.
_MEID = re.compile(r"(?:99|[A-F][0-9A-F])[0-9A-F]{12}")
_ROUNDED_IMEI = re.compile(r"\d+(?:[.,]\d+[eE]\+?|[eE]\+)\d{1,3}")


def parse_imei(text: str) -> str:
    """Give the 14-character core of an IMEI, an IMEISV or a hexadecimal MEID.

    Raises:
        IdentifierError: the text is none of these.
    """
    # Nearly every cell is 15 plain digits: 200,000 of them pass here, good or bad.
    if len(text) == IMEI and text.isascii() and text.isdigit():
        return _core_of(text)
    return _parse_unusual_imei(text)


def imei_or_none(text: str) -> str | None:
    """Give the core of what a device presents, or none if it is no IMEI.

    Devices may show a spare 0 for the check digit, which networks never transmit
    (3GPP TS 23.003, 6.2.1).
    """
    try:
        return parse_imei(text)
    except IdentifierError as error:
        digits = plain_digits(text) if error.reason is RowReason.IMEI_CHECK_DIGIT else ""
        return digits[:CORE] if digits.endswith("0") else None


def spelled_out(core: str) -> str:
    """Give a core in a spelling that can be taken for nothing else; empty stays empty."""
    return core + check_digit(core) if core.isdigit() else core


def plain_digits(text: str) -> str:
    """Give what is left of an IMEI without its separators."""
    return unicodedata.normalize("NFKC", text).strip().translate(_SEPARATORS).upper()


def _parse_unusual_imei(text: str) -> str:
    if len(text) > LONGEST_TYPED:
        message = f"{len(text):,} characters; an IMEI has 14, 15 or 16 digits"
        raise IdentifierError(RowReason.IMEI_LENGTH, message)
    plain = damage.without_decimals(unicodedata.normalize("NFKC", text).strip())
    if plain.startswith("="):
        raise formula_fault(plain, _if_certain(damage.inside_formula(plain)))
    if _ROUNDED_IMEI.fullmatch(plain):
        raise rounded_fault(plain, "IMEI", _if_certain(damage.written_out(plain)))
    digits = plain_digits(plain)
    if _is_pair(plain):
        raise _two_imeis()
    if digits.isascii() and digits.isdigit():
        return _core_of(digits, damage.without_version(plain))
    if _MEID.fullmatch(digits):
        return digits
    raise _wrong_characters(plain, digits)


def _is_pair(plain: str) -> bool:
    parts = damage.halves(plain)
    return parts is not None and all(_if_certain(part) == part for part in parts)


def _if_certain(proposal: str) -> str:
    """Give a proposal that is an IMEI, or the certain repair of one; else nothing."""
    proposal = damage.without_decimals(proposal)
    digits = plain_digits(proposal)
    if _MEID.fullmatch(digits):
        return proposal
    try:
        return proposal if digits.isascii() and digits.isdigit() and _core_of(digits) else ""
    except IdentifierError as error:
        return error.suggestion


def _core_of(digits: str, without_version: str = "") -> str:
    if len(digits) not in (CORE, IMEI, IMEI + 1):
        raise _wrong_length(digits, without_version)
    core = digits[:CORE]
    if len(digits) == CORE and _lost_a_zero(digits):
        raise _lost_zeros(digits)
    if core == ZERO_CORE:
        message = "all digits are 0, which stands for no IMEI; leave the cell empty, or dial *#06#"
        raise IdentifierError(RowReason.IMEI_CHARACTERS, message)
    if len(digits) == IMEI and (excess := luhn_excess(digits)):
        raise _wrong_check_digit(digits, excess)
    return core


def _wrong_length(digits: str, without_version: str) -> IdentifierError:
    count = len(digits)
    padded = digits.zfill(IMEI)
    if count in (12, 13) and luhn_holds(padded) and padded.strip("0"):
        return _lost_zeros(digits)
    if count in (28, 30, 32):
        return _two_imeis()
    message = f"{count} digit{'' if count == 1 else 's'}; an IMEI has 14, 15 or 16"
    if without_version and luhn_holds(plain_digits(without_version)):
        message += "; leave out the version behind the stroke"
        return IdentifierError(RowReason.IMEI_LENGTH, message, without_version)
    return IdentifierError(RowReason.IMEI_LENGTH, message, _hexadecimal_meid(digits))


def _two_imeis() -> IdentifierError:
    message = "the cell seems to hold two IMEIs; put the second into a column imei2"
    return IdentifierError(RowReason.IMEI_LENGTH, message)


def _lost_a_zero(digits: str) -> bool:
    """Tell whether 14 digits are an IMEI of 15 that has lost the zero before them.

    Type codes begin with the reporting body, and of those from 01 to 19 only 01 and
    10 were ever given out (GSMA TS.06, annex A).
    """
    return digits[0] == "1" and digits[1] != "0" and luhn_holds("0" + digits)


def _lost_zeros(digits: str) -> IdentifierError:
    message = (
        f"{len(digits)} digits: a spreadsheet took the leading zeros off this IMEI;"
        " put them back, with the column formatted as text"
    )
    return IdentifierError(RowReason.SPREADSHEET_LOST_ZEROS, message, digits.zfill(IMEI))


def _hexadecimal_meid(digits: str) -> str:
    """Give the MEID of its 18-digit decimal print form, empty if it is not one."""
    if len(digits) != 18:  # noqa: PLR2004 - the length of that form, 10 digits and 8
        return ""
    meid = f"{int(digits[:10]):08X}{int(digits[10:]):06X}"
    return meid if _MEID.fullmatch(meid) and not meid.isdigit() else ""


def _wrong_check_digit(digits: str, excess: int) -> IdentifierError:
    return IdentifierError(RowReason.IMEI_CHECK_DIGIT, check_digit_fault(digits[CORE], excess))


@cache
def check_digit_fault(digit: str, excess: int) -> str:
    """Say that a check digit is wrong, and by how much it is too large."""
    message = (
        f"the check digit is {digit}, but the 14 digits before it ask for"
        f" {(int(digit) - excess) % 10}: a digit is mistyped; compare with *#06# or the box"
    )
    if digit == "0":
        message += ", and leave the last digit out if it is only a spare 0"
    return message


def _wrong_characters(plain: str, digits: str) -> IdentifierError:
    odd = next((sign for sign in digits if not ("0" <= sign <= "9")), "")
    if not odd:
        return IdentifierError(RowReason.IMEI_LENGTH, "no digits; an IMEI has 14, 15 or 16")
    name = odd if odd.isprintable() else f"U+{ord(odd):04X}"
    message = (
        f"'{name}' is no digit; an IMEI has 14 to 16 digits,"
        " a MEID 14 hexadecimal digits that begin with A to F or 99"
    )
    proposal = damage.undressed(plain)
    certain = "" if proposal == plain else _if_certain(proposal)
    return IdentifierError(RowReason.IMEI_CHARACTERS, message, certain)
