"""Rows that did not go onto the roll because a key was taken, column by column.

Of a file in which every row is a duplicate that is all of them: to make something of each
took a tenth of such an upload.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a row met is told by a number: the line of an earlier row, the number of a device that
# is as the row says with its sign turned, or this.
UNCLEAR = 0


@dataclass(slots=True)
class LeftOut:
    """Rows by their places among those that were to go in, rising in each list.

    The device with the first key of a `repeated` row is of an earlier row of the same upload,
    on the line beside it in `lines`. That of one in `same` is of another upload, in the same
    profile, and exactly as the row says; its number stands in `devices`. Of those in `unclear`
    neither is known.
    """

    repeated: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    same: list[int] = field(default_factory=list)
    devices: list[int] = field(default_factory=list)
    unclear: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, places: Sequence[int], met: Sequence[int]) -> LeftOut:
        """Tell rows apart by what each of them met."""
        if not places:
            return cls()
        if min(met) > UNCLEAR:
            return cls(repeated=list(places), lines=list(met))
        both = list(zip(places, met, strict=True))
        return cls(
            [place for place, line in both if line > UNCLEAR],
            [line for line in met if line > UNCLEAR],
            [place for place, what in both if what < UNCLEAR],
            [-what for what in met if what < UNCLEAR],
            [place for place, what in both if what == UNCLEAR],
        )

    def __len__(self) -> int:
        """Count them."""
        return len(self.repeated) + len(self.same) + len(self.unclear)

    def extend(self, more: LeftOut) -> None:
        """Add rows that come behind these."""
        self.repeated += more.repeated
        self.lines += more.lines
        self.same += more.same
        self.devices += more.devices
        self.unclear += more.unclear

    def places(self) -> set[int]:
        """Give all of them."""
        return {*self.repeated, *self.same, *self.unclear}
