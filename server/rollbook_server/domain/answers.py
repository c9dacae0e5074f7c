"""How long answers are kept, to be given again to the same request_id."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rollbook_server.domain.ports import Store

KEPT = timedelta(days=2)  # AIP-155 asks for a day at least
_PIECE = 1_000  # an answer may have 4 MiB


def forget(store: Store, now: datetime, going: Callable[[], bool]) -> None:
    """Remove what is not given again, piece by piece while `going`."""
    before = now - KEPT
    while going() and store.write(lambda roll: roll.answers.forget(before, _PIECE), is_bulk=True):
        pass
