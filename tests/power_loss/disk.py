"""A disk that forgets: what is surely on it, and what may be, at any moment of a record."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from power_loss.recording import Entry

_SECTOR = 4096  # what a disk writes whole or not at all


@dataclass
class _File:
    """What was synced, and what was done since, in order; `dropped` counts what left `done`."""

    durable: bytearray = field(default_factory=bytearray)
    done: list[Entry] = field(default_factory=list)
    dropped: int = 0
    begun: dict[int, int] = field(default_factory=dict)


class Disk:
    """Follows a record; gives what a power loss at this moment may leave.

    A sync that has ended makes durable what was done before it began. Of the rest any
    part may be there or not, in whatever order: the disk and the system keep none.
    """

    def __init__(self) -> None:
        self._files: dict[str, _File] = defaultdict(_File)

    def follow(self, entry: Entry) -> None:
        """Take in the next entry."""
        file = self._files[entry.name]
        if entry.what in "WT":
            file.done.append(entry)
        elif entry.what == "S":
            file.begun[entry.place] = file.dropped + len(file.done)
        elif entry.what == "E":
            _settle(file, file.begun.pop(entry.place) - file.dropped)
        elif entry.what == "U":
            del self._files[entry.name]

    def left(self, name: str, kept: float, chance: Random) -> bytes:
        """Give a file as it may be after a power loss, which kept that share of the rest."""
        file = self._files[name]
        found = bytearray(file.durable)
        for entry in file.done:
            for piece in _sectors(entry):
                if chance.random() < kept:
                    _apply(found, piece)
        return bytes(found)


def _settle(file: _File, count: int) -> None:
    """Make durable what was done first; nothing if a later sync did already."""
    if count > 0:
        for entry in file.done[:count]:
            _apply(file.durable, entry)
        del file.done[:count]
        file.dropped += count


def _sectors(entry: Entry) -> list[Entry]:
    """Cut what was written where a disk may stop."""
    if entry.what != "W":
        return [entry]
    cuts = range(0, len(entry.data), _SECTOR)
    return [
        entry._replace(place=entry.place + cut, data=entry.data[cut : cut + _SECTOR])
        for cut in cuts
    ]


def _apply(content: bytearray, entry: Entry) -> None:
    if entry.what == "T":
        del content[entry.place :]
    end = entry.place + len(entry.data)
    content.extend(bytes(max(0, end - len(content))))
    content[entry.place : end] = entry.data
