"""Serves with a log that is soon taken into the file: `python -m power_loss.serving HOW ...`.

Everything that happens seldom happens often, so that there are many moments to lose power
at. HOW is `synced`, or `unsynced` to show that the run can find a loss.
"""

from __future__ import annotations

import sys
from unittest.mock import patch

from faults.serving import cut_small
from rollbook_server import command
from rollbook_server.storage import store, writer
from rollbook_server.storage.sqlite import log_sync

if __name__ == "__main__":
    if sys.argv.pop(1) == "unsynced":
        log_sync.sync = lambda _: None
    often = patch.dict(store._PRAGMAS, wal_autocheckpoint=30, page_size=4096)
    with cut_small(), often, patch.object(writer, "IDLE_SECONDS", 0.002):
        command.serve(prog_name="power_loss.serving")
