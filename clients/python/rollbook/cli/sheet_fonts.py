"""Finds fonts of this machine that have the characters of a text.

What the PDF has by itself is Latin-1. For everything else fonts are asked of fontconfig,
where it is installed, or named by the user.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools.ttLib import TTFont, TTLibError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SECONDS = 10


@dataclass(frozen=True)
class Font:
    """A font file, and which of a collection's fonts is meant."""

    path: Path
    number: int
    characters: frozenset[str]


def is_latin(text: str) -> bool:
    """Tell whether the fonts that every PDF reader has can write it."""
    return all(character.isprintable() and character <= "\xff" for character in text)


def fonts_for(texts: Iterable[str], given: Sequence[Path]) -> list[Font]:
    """Give fonts that together have as many of the characters as can be had.

    Those that were given come first. Raises OSError for one that cannot be read.
    """
    missing = {character for text in texts for character in text if not character.isspace()}
    fonts: list[Font] = []
    for path in given:
        fonts.append(_font(path, 0))
        missing -= fonts[-1].characters
    while missing:
        font = _found(missing)
        if font is None:
            break
        fonts.append(font)
        missing -= font.characters
    return fonts


def _found(missing: set[str]) -> Font | None:
    """Give a font with the first missing character that this machine has a font for."""
    for character in sorted(missing):
        match = _match(character)
        if match is not None:
            font = _usable(*match)
            if font is not None and character in font.characters:
                return font
        missing.discard(character)
    return None


def _match(character: str) -> tuple[Path, int] | None:
    program = shutil.which("fc-match")
    if program is None:
        return None
    pattern = f"sans:charset={ord(character):x}:scalable=true:color=false"
    done = subprocess.run(  # noqa: S603 - the pattern is of one code point
        [program, "--format", "%{index}\t%{file}", pattern],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    number, _, path = done.stdout.partition("\t")
    # The upper half tells an instance of a variable font.
    return (Path(path), int(number) & 0xFFFF) if path and number.isdecimal() else None


def _usable(path: Path, number: int) -> Font | None:
    try:
        return _font(path, number)
    except OSError:
        return None


def _font(path: Path, number: int) -> Font:
    try:
        # Opened here, for fontTools leaves open what it refuses.
        with path.open("rb") as file, TTFont(file, fontNumber=number, lazy=True) as opened:
            characters = frozenset(map(chr, opened.getBestCmap() or {}))
    except (TTLibError, KeyError, ValueError) as error:
        raise OSError(None, f"is no font that can be used: {error}", str(path)) from error
    return Font(path, number, characters)
