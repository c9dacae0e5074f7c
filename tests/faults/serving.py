"""Serves with small batches and with traps: `python -m faults.serving FOLDER --data-dir ...`.

Everything that is cut into pieces is cut small, so that there are many moments to die
at even in a short upload. The code that is served knows nothing of it.
"""

from __future__ import annotations

import sys
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from faults.failpoints import Trap
from rollbook_server import command
from rollbook_server.command import configured as command_configured
from rollbook_server.domain import (
    applying,
    csv_reader,
    endings,
    leftovers,
    preparing,
    staging,
    upload_sessions,
)
from rollbook_server.domain.csv_faults import CsvLimits
from rollbook_server.storage import writer
from rollbook_server.storage.leftovers import StoredLeftovers
from rollbook_server.storage.preparations import StoredPreparations
from rollbook_server.storage.uploads import StoredUploads
from rollbook_server.transport import upload_methods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rollbook_server.config import Config
    from rollbook_server.domain.endings import Ending

BATCH_ROWS = 5


def _with_small_batches(values: Mapping[str, Any]) -> Config:
    config = command_configured(values)
    return replace(config, upload_limits=replace(config.upload_limits, batch_rows=BATCH_ROWS))


def _prepare_anew(ending: Ending) -> None:
    """Forget what was prepared as the rows came: there are more moments to die at."""
    if ending.store.read(lambda roll: roll.preparations.get(ending.upload_id)):
        preparing.forget(ending)
    _prepare(ending)


_prepare = preparing.prepare
SMALL: tuple[tuple[Any, str, Any], ...] = (
    (command, "configured", _with_small_batches),
    (endings, "ALONE", 4),
    (endings, "SHARED", 4),
    (endings, "SHARED_JUDGED", 4),
    (staging, "AT_ONCE", 4),
    (preparing, "PIECE", 4),
    (preparing, "prepare", _prepare_anew),
    (leftovers, "PIECE", 4),
    (upload_sessions, "PIECE_BYTES", 200),
    (csv_reader, "CsvLimits", partial(CsvLimits, hold_bytes=1)),
    (upload_methods, "ROWS_AT_ONCE", 3),
)
SEAMS = (
    (StoredUploads, "advance"),
    (StoredUploads, "end"),
    (StoredPreparations, "forget"),
    (StoredUploads, "discard"),
    (StoredLeftovers, "sweep"),
)


@contextmanager
def cut_small() -> Iterator[None]:
    """Cut all work into small pieces."""
    with ExitStack() as patches:
        for module, name, value in SMALL:
            patches.enter_context(patch.object(module, name, value))
        yield


def set_traps(trap: Trap) -> None:
    """Let the trap be passed before and after what matters."""
    for owner, name in SEAMS:
        setattr(owner, name, _trapped(trap, name, getattr(owner, name)))
    applying._apply_piece = _trapped(trap, "piece", applying._apply_piece)
    preparing._put_in_good = _trapped(trap, "prepared", preparing._put_in_good)

    class Answer(Future[Any]):
        """What a piece of work waits on; it is answered once it is committed."""

        def set_result(self, result: Any) -> None:
            trap.passing("before answer")
            super().set_result(result)

    setattr(writer, "Future", Answer)  # noqa: B010 - the type checker knows no such thing


def _trapped(trap: Trap, name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def passing(*arguments: Any, **named: Any) -> Any:
        trap.passing(f"before {name}")
        result = inner(*arguments, **named)
        trap.passing(f"after {name}")
        return result

    return passing


if __name__ == "__main__":
    set_traps(Trap(Path(sys.argv.pop(1))))
    with cut_small():
        command.serve(prog_name="python -m faults.serving")
