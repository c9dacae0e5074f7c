"""`rollbook` that is killed after its Nth batch of a copy: `python -m database.dying N ...`."""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from unittest.mock import patch

from rollbook.cli.entry import run
from rollbook_server.storage import copy_rows
from rollbook_server.storage.copy_positions import CopyPositions

ROWS = 7  # in a batch

if __name__ == "__main__":
    limit, passed, advance = int(sys.argv.pop(1)), count(1), CopyPositions.advance

    def advance_or_die(positions: CopyPositions, *arguments: object) -> None:
        """Die within the transaction of a batch, which is to be undone."""
        advance(positions, *arguments)  # type: ignore[arg-type]
        if next(passed) == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    with (
        patch.object(copy_rows, "BATCH_ROWS", ROWS),
        patch.object(copy_rows, "_AT_ONCE", ROWS),
        patch.object(CopyPositions, "advance", advance_or_die),
    ):
        sys.exit(run(sys.argv[1:]))
