"""`rollbook` that is killed at a moment: `python -m backup.dying MOMENT N ...`.

It dies when it comes by for the Nth time.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from rollbook.cli.entry import run
from rollbook_server.backup.putting_back import PuttingBack
from rollbook_server.storage.sqlite import backups, replacing

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENTS = {
    "copying": (backups, "BackupStep"),
    "copied": (PuttingBack, "_change"),
    "setting aside": (replacing, "_set_aside"),
    "replacing": (replacing, "flush_folder"),
    "noting": (PuttingBack, "_note"),
}


def or_die(function: Callable[..., Any], limit: int) -> Callable[..., Any]:
    passed = count(1)

    def call(*arguments: Any, **named: Any) -> Any:
        if next(passed) == limit:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return call


if __name__ == "__main__":
    place, name = MOMENTS[sys.argv.pop(1)]
    dies = or_die(getattr(place, name), int(sys.argv.pop(1)))
    with patch.object(backups, "_PAGES_AT_ONCE", 4), patch.object(place, name, dies):
        sys.exit(run(sys.argv[1:]))
