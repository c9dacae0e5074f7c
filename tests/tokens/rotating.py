"""Rotates the sealing key of a data directory, and dies on the way.

`python -m tokens.rotating FOLDER SEAM PASSES DATABASE`: at the PASSES-th passing of the seam the
process is killed. What is served knows nothing of it.
"""

from __future__ import annotations

import sys
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults.failpoints import Trap
from rollbook_server import key_files, sealing_keys
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME
from rollbook_server.domain import clock, resealing
from rollbook_server.rotations import Rotations
from rollbook_server.sealing import Sealer
from rollbook_server.storage.answers import StoredAnswers
from rollbook_server.storage.opening import open_store
from rollbook_server.storage.tokens import StoredTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook_server.storage.roll_store import RollStore

SEAMS = (
    (key_files, "replace"),
    (key_files, "_write_durably"),
    (Sealer, "put_to_use"),
    (StoredTokens, "reseal"),
    (StoredAnswers, "reseal"),
)


def set_traps(trap: Trap) -> None:
    """Let the trap be passed before and after what matters."""
    for owner, name in SEAMS:
        setattr(owner, name, _trapped(trap, name, getattr(owner, name)))


def _trapped(trap: Trap, name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def passing(*arguments: Any, **named: Any) -> Any:
        trap.passing(f"before {name}")
        result = inner(*arguments, **named)
        trap.passing(f"after {name}")
        return result

    return passing


def opened(folder: Path, database: str) -> tuple[RollStore, sealing_keys.SealingKeys]:
    """Give what is stored, and the keys of a data directory, as at the start of a server."""
    store = open_store(database, folder / DATABASE_NAME, _keyed)
    path, rotations = folder / SEALING_KEY_NAME, Rotations()
    return store, sealing_keys.load(path, "", store, rotations, must_exist=True)


def _keyed(text: str) -> bytes:
    return sha256(text.encode()).digest()


def main(folder: Path, seam: str, passes: int, database: str) -> None:
    """Rotate until the end comes."""
    trap = Trap(folder.parent)
    trap.arm(seam, passes)
    set_traps(trap)
    resealing.TOKENS_AT_ONCE = resealing.ANSWERS_AT_ONCE = 2
    _, keys = opened(folder, database)
    rotation, _ = keys.rotate(clock.now())
    rotation.await_end()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
