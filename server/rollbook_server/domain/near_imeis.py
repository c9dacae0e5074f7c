"""IMEIs that are easily mistaken for one another."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from rollbook_server.domain.matching import IMEIS_LOOKED_AT, SLOTS_LOOKED_AT
from rollbook_server.domain.partial_identifiers import likely_imeis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DIGITS, _HEXADECIMAL = "0123456789", "0123456789ABCDEF"


def likely(typed: Sequence[str]) -> list[str]:
    """Give the cores that were meant, of as many IMEIs as enrolling looks at."""
    filled = islice((text for text in typed[:SLOTS_LOOKED_AT] if text.strip()), IMEIS_LOOKED_AT)
    return [core for text in filled for core in likely_imeis(text)]


def neighbours(core: str) -> Iterator[str]:
    """Give all cores with one other digit or two neighbours exchanged: about 140."""
    digits = _DIGITS if core.isdigit() else _HEXADECIMAL
    for place, own in enumerate(core):
        before, behind = core[:place], core[place + 1 :]
        yield from (before + digit + behind for digit in digits if digit != own)
        if behind and behind[0] != own:
            yield before + behind[0] + own + behind[1:]


def difference(core: str, other: str) -> str:
    """Say how two cores differ of which one is a neighbour of the other."""
    differing = sum(one != another for one, another in zip(core, other, strict=True))
    return "in one digit" if differing == 1 else "in two neighbouring digits that are exchanged"
