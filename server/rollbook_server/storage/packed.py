"""What packed rows have in common, whatever the form in which an engine takes them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.row_blocks import DeviceRows


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows, and what is asked of them before they go in."""

    rows: DeviceRows
    attribute_names: Sequence[str]
    second_imeis: frozenset[str]

    @property
    def imeis(self) -> list[str]:
        """Give the first IMEI of every row; only few uploads ask for them."""
        return list(chain.from_iterable(block.imei for block in self.rows.blocks))

    @property
    def crosses_itself(self) -> bool:
        """Tell whether one row's first IMEI is another's second."""
        return bool(self.second_imeis) and not self.second_imeis.isdisjoint(self.imeis)


def second_imeis(rows: DeviceRows) -> frozenset[str]:
    """Give the second IMEIs of rows, of which most have none."""
    return frozenset(chain.from_iterable(block.imei2 for block in rows.blocks)) - {""}
