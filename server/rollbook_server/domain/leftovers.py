"""What ended uploads and deleted profiles leave behind, until it is swept up.

An upload or a profile ends in one short transaction, from which on nothing of it
is seen, counted or enrollable. The hundreds of thousands of rows that go with it
are removed in later, short ones, so that enrollments never wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.domain.ports import Store

PIECE = 2_000  # devices or rows a step: as long as an upload lets others wait
BEFOREHAND = 100  # pieces: as many devices as an upload has rows


def _always() -> bool:
    return True


def sweep(store: Store, going: Callable[[], bool] = _always) -> None:
    """Remove leftovers piece by piece while `going`; may be interrupted at any instant."""
    while going() and store.write(lambda roll: roll.leftovers.sweep(PIECE), is_bulk=True):
        pass


def clear_the_way(store: Store) -> None:
    """Remove what is likely to hold the keys of an upload that begins, but not millions.

    Who discards an upload, mends the file and uploads it again meets all of it; to remove
    a run of devices takes a fifth of the time that it takes to find each by its keys.
    """
    pieces = iter(range(BEFOREHAND))
    sweep(store, lambda: next(pieces, None) is not None)
