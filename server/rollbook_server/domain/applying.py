"""Puts rows that may change devices on the roll, once the whole upload is in.

Under UPDATE and MOVE rows are staged as they come: only at the end it is known that
the upload is not too long, and that all of it is wanted. Then they are settled piece
by piece, in transactions so short that enrollments wait for one of them at most. Each
takes its rows out of the staging table, so that a crash between two of them leaves
nothing to be found out: whoever finishes the upload again goes on with the rest.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rollbook_server.domain import settling, uploads
from rollbook_server.domain.uploads import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.endings import Ending
    from rollbook_server.domain.ports import Roll


def apply(ending: Ending) -> None:
    """Put all staged rows on the roll; raises RollbookError as `Ending`."""
    for rows in ending.staged():
        ending.step(partial(_apply_piece, ending, rows))


def _apply_piece(ending: Ending, rows: Sequence[DeviceRow], roll: Roll) -> None:
    """Settle rows."""
    upload = ending.upload
    settled = settling.write_and_remember(roll, upload, rows, ending.headers, ending.now)
    roll.uploads.add_errors(upload.upload_id, settled.errors)
    rejected = Counts(rejected=len(settled.errors))
    counts = uploads.stored(roll, upload).counts + settled.counts + rejected
    roll.uploads.recount(upload.upload_id, counts)
    roll.uploads.unstage(upload.upload_id, through=rows[-1].row)
