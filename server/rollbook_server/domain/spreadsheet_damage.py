"""What spreadsheets, labels and dialogs do to an IMEI, and how it is undone.

The room knows texts, not identifiers: it proposes, and `imeis` takes a
proposal only if it is an IMEI whose check digit agrees.
"""

from __future__ import annotations

import re

# With and without the quotes that keep Excel from taking the digits for a number.
_FORMULA = re.compile(r'=\s*"?([^"]*)"?\s*')
# A number that was a text once has a decimal place, and no digit is lost.
_DECIMAL = re.compile(r"(\d{12,16})[.,]0{1,2}")
_EXPONENT = re.compile(r"(\d)[.,](\d+)[eE]\+?(\d{2})")
_QUOTES = "'\"`\u00b4\u2018\u2019\u201a\u201c\u201d\u201e\u2032\u2033\u00ab\u00bb\u2039\u203a \t"
_LABEL = re.compile(r"(?:IMEI|MEID|ESN)[ _]?[12]?\s*(?:[:=#]|\s|No\.?)\s*", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(?:([,'\u2019])\d{3})(?:\1\d{3}){3,4}")
# As phones show it: the IMEI, and behind a stroke the software's version.
_WITH_VERSION = re.compile(r"((?:\d[ -]?){14}\d)\s*/\s*\d{2}")
_BETWEEN_TWO = re.compile(r"[\s,;/|&+]+")


def without_decimals(text: str) -> str:
    """Give a number without the `.0` behind it; other texts stay as they are."""
    found = _DECIMAL.fullmatch(text)
    return found[1] if found else text


def inside_formula(text: str) -> str:
    """Give what stands in a formula such as `="0123"` or `=0123`, else the text."""
    found = _FORMULA.fullmatch(text)
    return found[1] if found else text


def written_out(text: str) -> str:
    """Give all digits of a number with an exponent, empty if any was rounded away."""
    found = _EXPONENT.fullmatch(text)
    whole = found is not None and len(found[2]) == int(found[3])
    return found[1] + found[2] if found and whole else ""


def undressed(text: str) -> str:
    """Give the text without quotes and a label around it, and without thousands separators."""
    bare = text.strip(_QUOTES)
    bare = bare[label.end() :] if (label := _LABEL.match(bare)) else bare
    separator = found[1] if (found := _THOUSANDS.fullmatch(bare)) else ""
    return bare.replace(separator, "") if separator else bare


def without_version(text: str) -> str:
    """Give the 15 digits before `/01`, empty if that is not what the text is."""
    found = _WITH_VERSION.fullmatch(text)
    return found[1] if found else ""


def halves(text: str) -> tuple[str, str] | None:
    """Give two texts that stand in one cell, parted by a comma, a stroke or the like."""
    parts = _BETWEEN_TWO.split(text, maxsplit=2)
    return (parts[0], parts[1]) if len(parts) == 2 else None  # noqa: PLR2004 - a pair
