"""What all identifiers have in common: how long they may be, and how a fault is told.

IMEIs are in `imeis`, serial numbers and manufacturers in `serial_numbers`. Every road
by which an identifier comes in (file, typed row, enrolling device) passes through
there, so two spellings of one identifier are equal everywhere. These rooms know single
cells; what makes a row adequate is told in `rows`.
"""

from __future__ import annotations

import unicodedata

from rollbook_server.domain.errors import RowReason

# Longer than any serial number or maker's name seen in the wild; the contract says so.
LONGEST_NAME = 128
# Before normalisation, which may shorten a text, and of a long one takes a time that
# grows with the square of its length.
LONGEST_TYPED = 4 * LONGEST_NAME
# A cell is quoted to its owner up to here: enough to find it, short enough to read.
_LONGEST_QUOTE = 40


class IdentifierError(ValueError):
    """An identifier cannot be used.

    `message` tells a person what is wrong and how to mend it; `suggestion` is the
    repaired text where the repair is certain, else empty. `column` is what the uploader
    calls the cell, where one is judged.
    """

    column = ""

    def __init__(self, reason: RowReason, message: str, suggestion: str = "") -> None:
        self.reason = reason
        self.message = message
        self.suggestion = suggestion


def formula_fault(plain: str, suggestion: str) -> IdentifierError:
    """Say that a cell is written as a formula."""
    message = f"{shortened(plain)} is a spreadsheet formula; write only what it stands for"
    return IdentifierError(RowReason.SPREADSHEET_FORMULA, message, suggestion)


def rounded_fault(plain: str, what: str, suggestion: str = "") -> IdentifierError:
    """Say that a cell, `what` it should be, has an exponent; without a suggestion it is lost."""
    message = (
        f"{shortened(plain)} is how a spreadsheet writes a large number; write its digits,"
        if suggestion
        else f"{shortened(plain)} is a number rounded by a spreadsheet, and digits are lost;"
        f" take the {what} from its source again,"
    )
    message += " with the column formatted as text"
    return IdentifierError(RowReason.SPREADSHEET_EXPONENT, message, suggestion)


def invisible(text: str) -> list[str]:
    """Give the characters of a text that nobody sees."""
    if text.isprintable():
        return []
    return [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp")]


def shortened(text: str) -> str:
    """Give a cell in a form that fits a message: one line of at most 40 characters."""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: _LONGEST_QUOTE + 1])
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "\u2026"
