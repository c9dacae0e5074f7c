"""Draws a printable sheet of QR codes, each with the name of its profile and its expiry.

Needs the extra `sheet`.
"""

from __future__ import annotations

from datetime import UTC
from io import BytesIO
from typing import TYPE_CHECKING

from fpdf import FPDF
from fpdf.enums import MethodReturnValue

from rollbook.cli.sheet_fonts import fonts_for, is_latin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rollbook.cli.sheet_codes import SheetCode

PAPERS = ("A4", "Letter")
COLUMNS, ROWS = 2, 3

# Millimetres, but for the sizes of letters.
_MARGIN = 12.0
_FOOT = 8.0
_PAD = 3.0
_NAME_LINES = 3
_NAME_SIZES = (13, 11, 9)
_SMALL_SIZE = 9
_LINE = 4.6
_LATIN_FONT = "Helvetica"
_REPLACED = "?"


class Sheet:
    """A PDF that grows by a code at a time."""

    def __init__(self, paper: str, names: Sequence[str], fonts: Sequence[Path], title: str) -> None:
        self._title = title
        self._pdf = FPDF(format=paper)
        self._pdf.set_title(title)
        self._pdf.set_creator("rollbook")
        self._pdf.set_auto_page_break(auto=False)
        self._fonts = [] if all(map(is_latin, names)) and not fonts else fonts_for(names, fonts)
        self._add_fonts()
        self._count = 0
        body = self._pdf.h - 2 * _MARGIN - _FOOT
        self._width, self._height = (self._pdf.w - 2 * _MARGIN) / COLUMNS, body / ROWS

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return self._pdf.pages_count

    def unwritable(self, text: str) -> str:
        """Give the characters of a text that no font here has."""
        if is_latin(text):
            return ""
        has = frozenset().union(*(font.characters for font in self._fonts))
        if not self._fonts:
            has = frozenset(each for each in text if is_latin(each))
        return "".join(sorted({each for each in text if each not in has and not each.isspace()}))

    def add(self, code: SheetCode) -> None:
        """Draw a code in the next place, with its name and expiry under it."""
        place = self._count % (COLUMNS * ROWS)
        if place == 0:
            self._begin_page()
        self._count += 1
        left = _MARGIN + place % COLUMNS * self._width
        top = _MARGIN + place // COLUMNS * self._height
        self._draw_border(left, top)
        self._draw_code(code, left, top)

    def data(self) -> bytes:
        """Give the file."""
        return bytes(self._pdf.output())

    def _add_fonts(self) -> None:
        for at, font in enumerate(self._fonts):
            self._pdf.add_font(_family(at), fname=font.path, collection_font_number=font.number)
        self._pdf.set_fallback_fonts([_family(at) for at in range(1, len(self._fonts))])
        if self._fonts:  # ligatures, marks and the direction of the script
            self._pdf.set_text_shaping(use_shaping_engine=True)

    def _begin_page(self) -> None:
        self._pdf.add_page()
        self._pdf.set_font(_LATIN_FONT, size=8)
        self._pdf.set_text_color(90)
        self._pdf.set_xy(_MARGIN, self._pdf.h - _MARGIN - _FOOT / 2)
        self._pdf.cell(
            w=self._pdf.w - 2 * _MARGIN, text=f"{self._title}, page {self.pages}", align="C"
        )
        self._pdf.set_text_color(0)

    def _draw_border(self, left: float, top: float) -> None:
        self._pdf.set_draw_color(190)
        self._pdf.set_line_width(0.1)
        self._pdf.set_dash_pattern(dash=1, gap=1)
        self._pdf.rect(left, top, self._width, self._height)
        self._pdf.set_dash_pattern()

    def _draw_code(self, code: SheetCode, left: float, top: float) -> None:
        size, lines = self._fitted(self._written(code.name))
        below = _line(size) * len(lines) + 2 * _LINE
        side = min(self._width, self._height - below - _PAD) - 2 * _PAD
        middle = left + (self._width - side) / 2
        self._pdf.image(BytesIO(code.picture), x=middle, y=top + _PAD, w=side, h=side)
        y = top + side + 2 * _PAD
        for line in lines:
            y = self._write(line, size, left, y)
        expiry = code.expire_time
        until = expiry.astimezone(UTC).strftime("Expires %Y-%m-%d %H:%M UTC") if expiry else ""
        y = self._write(until, _SMALL_SIZE, left, y)
        self._write(code.profile_id, _SMALL_SIZE - 2, left, y)

    def _write(self, text: str, size: int, left: float, y: float) -> float:
        """Write a line in the middle of a cell; gives where the next one begins."""
        self._set_font(text, size)
        self._pdf.set_xy(left + _PAD, y)
        self._pdf.cell(w=self._width - 2 * _PAD, h=_line(size), text=text, align="C")
        return y + _line(size)

    def _set_font(self, text: str, size: int) -> None:
        """Take the fonts of this machine only for what Latin-1 lacks: they may lack Latin."""
        found = self._fonts and not is_latin(text)
        self._pdf.set_font(_family(0) if found else _LATIN_FONT, size=size)

    def _written(self, name: str) -> str:
        """Give the name with what no font has replaced."""
        missing = self.unwritable(name)
        return "".join(_REPLACED if each in missing else each for each in name)

    def _fitted(self, name: str) -> tuple[int, list[str]]:
        """Give the largest size in which the name has room, and its lines."""
        for size in _NAME_SIZES:
            lines = self._lines(name, size)
            if len(lines) <= _NAME_LINES:
                return size, lines
        return _NAME_SIZES[-1], [*lines[: _NAME_LINES - 1], f"{lines[_NAME_LINES - 1][:-3]}..."]

    def _lines(self, name: str, size: int) -> list[str]:
        self._set_font(name, size)
        self._pdf.set_xy(_MARGIN, _MARGIN)
        lines = self._pdf.multi_cell(
            w=self._width - 2 * _PAD,
            h=_line(size),
            text=name,
            dry_run=True,
            output=MethodReturnValue.LINES,
        )
        return [*lines] if isinstance(lines, list) else [name]


def _family(at: int) -> str:
    return f"names-{at}"


def _line(size: int) -> float:
    """Give the height of a line of letters of this size in points."""
    return size * 0.42
