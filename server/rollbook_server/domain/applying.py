"""Puts rows that may change devices on the roll, once the whole upload is in.

Under UPDATE and MOVE rows are staged as they come: only at the end it is known that
the upload is not too long, and that all of it is wanted. Then they are settled piece
by piece, in transactions so short that enrollments wait for one of them at most. Each
takes its rows out of the staging table, so that a crash between two of them leaves
nothing to be found out: whoever finishes the upload again goes on with the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain import batches, uploads
from rollbook_server.domain.uploads import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.uploads import Upload

PIECE = 2_000  # rows a step, like a batch of an upload while others write


def apply(store: Store, upload: Upload, headers: Mapping[str, str], now: datetime) -> None:
    """Put all staged rows on the roll; raises RollbookError as `uploads.check_held` does."""
    while store.write(lambda roll: _apply_piece(roll, upload, headers, now), is_bulk=True):
        pass


def _apply_piece(roll: Roll, upload: Upload, headers: Mapping[str, str], now: datetime) -> bool:
    """Settle the next rows; False if there were none."""
    uploads.check_held(roll, upload)
    rows = roll.uploads.staged(upload.upload_id, after=0, limit=PIECE)
    if not rows:
        return False
    settlement = batches.write_and_remember(roll, upload, rows, headers, now)
    roll.uploads.add_errors(upload.upload_id, settlement.errors)
    rejected = Counts(rejected=len(settlement.errors))
    counts = uploads.stored(roll, upload).counts + settlement.counts + rejected
    roll.uploads.recount(upload.upload_id, counts)
    roll.uploads.unstage(upload.upload_id, through=rows[-1].row)
    return True
