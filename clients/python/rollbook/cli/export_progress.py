"""Counts the devices of an inventory while it comes, to show how far it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rollbook.cli.progress import counting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import Profile

_LINE_END = b"\r\n"


class CsvCount:
    """Counts bytes and devices of a CSV file that comes piece by piece, cut anywhere."""

    def __init__(self, told: Callable[[int], None]) -> None:
        """Begin a file; `told` is called with the devices so far."""
        self.size = 0
        self._told = told
        self._records = 0
        self._is_quoted = False
        self._last = b""

    @property
    def devices(self) -> int:
        """Whole records so far, without the header."""
        return max(0, self._records - 1)

    def add(self, piece: bytes) -> None:
        """Count the next piece; line ends within quotes end no record."""
        self.size += len(piece)
        for place, part in enumerate(piece.split(b'"')):
            self._is_quoted ^= place > 0
            if not self._is_quoted:
                joined = self._last + part if place == 0 else part
                self._records += joined.count(_LINE_END)
        self._last = piece[-1:] if piece.endswith(b"\r") else b""
        self._told(self.devices)


@contextmanager
def watch(profile: Profile, *, silent: bool) -> Iterator[CsvCount]:
    """Give what takes each piece, for as long as the inventory comes."""
    with counting(profile.name, "device", profile.device_count, silent=silent) as told:
        yield CsvCount(told)
