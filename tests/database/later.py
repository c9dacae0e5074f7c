"""A later Rollbook, whose schema is a step further: `python -m database.later FOLDER ...`.

`FOLDER` holds its steps, see `steps`. While there is a file `armed` in it, whoever is in
the middle of the new one takes the file away and is killed.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from rollbook_server import command
from rollbook_server.storage import migrating
from rollbook_server.storage.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = SCHEMA_VERSION + 1
NAME = f"{VERSION:03}_shelves"
_STEP = """
import os, pathlib, signal

ARMED = pathlib.Path({armed!r})

def up(migrator, db):
    db.execute_sql("ALTER TABLE profiles ADD COLUMN shelf TEXT NOT NULL DEFAULT ''")
    if ARMED.exists():
        ARMED.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    db.execute_sql("UPDATE profiles SET shelf = shelf || name")
"""
_BROKEN = """
def up(migrator, db):
    db.execute_sql("SELECT 1 FROM nowhere")
"""


def steps(folder: Path, *, broken: bool = False) -> Path:
    """Make the steps of a later program; if it is broken, a last one that fails."""
    made = folder / "steps"
    shutil.copytree(migrating.STEPS, made, ignore=shutil.ignore_patterns("__pycache__"))
    armed = str(made / "armed")
    (made / f"{NAME}.py").write_text(_STEP.format(armed=armed))
    if broken:
        (made / f"{VERSION + 1:03}_broken.py").write_text(_BROKEN)
    return made


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Let this program be a later one."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(migrating, "STEPS", folder))
        patches.enter_context(patch.object(migrating, "SCHEMA_VERSION", VERSION))
        yield


if __name__ == "__main__":
    with installed(Path(sys.argv.pop(1))):
        command.serve(prog_name="later")
