"""Draws QR codes. The only file that knows segno; it knows nothing of what it draws."""

from __future__ import annotations

import io
from itertools import zip_longest
from typing import TYPE_CHECKING

import segno

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.provisioning import PAYLOAD_LIMIT
from rollbook_server.domain.qr_codes import Picture, QrFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

_BORDER = 4  # modules of quiet zone (ISO/IEC 18004, 6.3.8)

# White blocks on black, from the part of the 256 colours that no theme changes:
# readable on a dark and on a light terminal, for a reader that knows dark on light
# only. Without these codes the text is right on a dark terminal and a negative on a
# light one.
_WHITE_ON_BLACK = "\x1b[38;5;231;48;5;16m"
_RESET = "\x1b[0m"
# By whether the upper and the lower module are dark: what is light is drawn.
_HALF_BLOCKS = {
    (False, False): "\u2588",
    (False, True): "\u2580",
    (True, False): "\u2584",
    (True, True): " ",
}


_MEDIA_TYPES = {
    QrFormat.PNG: "image/png",
    QrFormat.SVG: "image/svg+xml",
    QrFormat.PDF: "application/pdf",
    QrFormat.TERMINAL: "text/plain; charset=utf-8",
}


def draw(payload: str, format: QrFormat, scale: int) -> Picture:  # noqa: A002 - the contract's word
    """Draw the payload, black on white with a quiet zone.

    `scale` is pixels (PNG, SVG) or points (PDF) a module and without effect on
    TERMINAL. Raises RollbookError with QR_PAYLOAD_TOO_LARGE.
    """
    code = _code(payload)
    image = _terminal(code) if format is QrFormat.TERMINAL else _drawing(code, format, scale)
    return Picture(image, _MEDIA_TYPES[format])


def _code(payload: str) -> segno.QRCode:
    # make_qr and not make: setup wizards do not read Micro QR codes. No boost of the
    # error correction: the picture is shown on a screen, and fewer modules are
    # larger ones.
    try:
        return segno.make_qr(payload, error="L", boost_error=False, encoding="utf-8")
    except segno.DataOverflowError:
        raise _too_large(len(payload.encode())) from None


def _too_large(size: int) -> RollbookError:
    return RollbookError(
        Reason.QR_PAYLOAD_TOO_LARGE,
        f"The payload has {size:,} bytes and a QR code holds {PAYLOAD_LIMIT:,}: shorten it by "
        f"{size - PAYLOAD_LIMIT:,}. Certificates and long vendor keys weigh most; let the "
        "device policy controller fetch them after enrollment.",
        size=size,
        limit=PAYLOAD_LIMIT,
    )


def _drawing(code: segno.QRCode, format: QrFormat, scale: int) -> bytes:  # noqa: A002 - as above
    image = io.BytesIO()
    code.save(image, kind=format.lower(), scale=scale, border=_BORDER, dark="black", light="white")
    return image.getvalue()


def _terminal(code: segno.QRCode) -> bytes:
    lines = (f"{_WHITE_ON_BLACK}{line}{_RESET}\n" for line in _half_block_lines(code))
    return "".join(lines).encode()


def _half_block_lines(code: segno.QRCode) -> Iterator[str]:
    # One character is two modules, one above the other; a code has an odd number of
    # rows, so the last one gets a light row below.
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=_BORDER)]
    light = [False] * len(rows[0])
    for upper, lower in zip_longest(rows[::2], rows[1::2], fillvalue=light):
        yield "".join(_HALF_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
