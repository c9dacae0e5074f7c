"""From bytes to text: which encoding a file has, and where it breaks its rules."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import FileError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.domain.csv_faults import Place

# As many bytes as the longest byte order mark.
MARK_BYTES = 3
UTF_8, UTF_16_LE, UTF_16_BE = "utf-8", "utf-16-le", "utf-16-be"
_ZIP = "PK\x03\x04"  # what .xlsx and .ods files begin with
_GZIP = "\x1f", 0x8B  # what .gz files begin with; the second byte is no UTF-8
_MARKS = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF16_LE: UTF_16_LE,
    codecs.BOM_UTF16_BE: UTF_16_BE,
}
# These take a piece and tell how many bytes of it were whole characters. None of
# them allows two spellings of one text, so encoding gives the same bytes again.
_DECODERS: dict[str, Callable[[bytes, str, bool], tuple[str, int]]] = {
    UTF_8: codecs.utf_8_decode,
    UTF_16_LE: codecs.utf_16_le_decode,
    UTF_16_BE: codecs.utf_16_be_decode,
}


def recognise(data: bytes) -> tuple[str, bytes]:
    """Give the encoding of a file that begins so, and its byte order mark."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding, mark
    return UTF_8, b""


def decode(
    data: bytes, encoding: str, *, final: bool
) -> tuple[str, int, UnicodeDecodeError | None]:
    """Give the text up to the first fault, how many bytes it took, and the fault.

    A character that is cut off at the end is left for the next piece, or is a
    fault if this is the `final` one.
    """
    decoder = _DECODERS[encoding]
    try:
        return *decoder(data, "strict", final), None
    except UnicodeDecodeError as error:
        return *decoder(data[: error.start], "strict", False), error


def wrong_encoding(
    fault: UnicodeDecodeError, encoding: str, before: str, offset: int, place: Place
) -> FileError:
    """Give the error for a fault at an offset of the file.

    `before` is the text between the beginning of the place and the fault.
    """
    byte = fault.object[fault.start]
    message = (
        f"byte {offset} of the file (0x{byte:02X}) is not {encoding.upper()}"
        f"{_likely_cause(fault, encoding, before)}"
    )
    line = place.line + before.count("\n")
    error = FileError(Reason.CSV_ENCODING, message, line=line, row=place.row)
    error.metadata["offset"] = str(offset)
    return error


def _likely_cause(fault: UnicodeDecodeError, encoding: str, before: str) -> str:
    if before.startswith(_ZIP):
        return ": the file is an Excel workbook or another zip; save the sheet as 'CSV UTF-8'"
    if (before, fault.object[fault.start]) == _GZIP:
        return ": the file is compressed with gzip; unpack it first: gunzip FILE"
    if encoding != UTF_8:
        return ": the file is cut off or damaged; save it as 'CSV UTF-8'"
    if "\0" in before:
        return ": it looks like UTF-16 without a byte order mark; save it as 'CSV UTF-8'"
    if fault.reason == "unexpected end of data":
        return ": the file ends inside a character and may be cut off"
    return ": it looks like Windows-1252 or Latin-1; save it as 'CSV UTF-8'"
