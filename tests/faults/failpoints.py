"""The moments at which a server is killed, and the note that tells it which one is next.

The note lies in a file, so that a running server can be told another moment without
being started anew. A moment has no place in the code that is served: `serving` wraps
what is called there.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = "random moment"  # killed from outside, by how far the upload is


@dataclass(frozen=True, slots=True)
class Failpoint:
    """A moment in some kinds of uploads; `most` is how often it is passed in one at least."""

    name: str
    seam: str
    kinds: frozenset[str]
    most: int


FINISHED = ("skip", "fail, all good", "fail, update", "fail, move", "update", "move", "dry run")
ENDED = (*FINISHED, "fail, a bad row", "too long")
PREPARED = ("fail, all good", "fail, update", "fail, move")
DISCARDED = ("discard", "discard, update")


def _failpoint(name: str, seam: str, *kinds: str, most: int = 1) -> Failpoint:
    return Failpoint(name, seam, frozenset(kinds), most)


FAILPOINTS = (
    _failpoint("after rows, before position", "before advance", *ENDED, most=4),
    _failpoint("after commit, before acknowledgement", "before answer", *ENDED, *DISCARDED, most=9),
    _failpoint("finish, before its end", "before end", *ENDED),
    _failpoint("finish, after its end, before commit", "after end", *ENDED),
    _failpoint("FAIL: forgotten, between pieces", "before forget", *PREPARED, most=8),
    _failpoint("FAIL: forgotten, before commit", "after forget", *PREPARED, most=8),
    _failpoint("FAIL: prepared anew, between pieces", "before prepared", *PREPARED, most=6),
    _failpoint("FAIL: prepared anew, before commit", "after prepared", *PREPARED, most=6),
    _failpoint("FAIL: roll-back, between pieces", "before sweep", "fail, a bad row", most=4),
    _failpoint("FAIL: roll-back, before commit", "after sweep", "fail, a bad row", most=4),
    _failpoint("too long: roll-back, between pieces", "before sweep", "too long", most=4),
    _failpoint("UPDATE, MOVE: between pieces", "before piece", "update", "move", most=5),
    _failpoint("UPDATE, MOVE: piece, before commit", "after piece", "update", "move", most=5),
    _failpoint("DiscardUpload, before", "before discard", *DISCARDED),
    _failpoint("DiscardUpload, after, before commit", "after discard", *DISCARDED),
    _failpoint("DiscardUpload: sweep, between pieces", "before sweep", *DISCARDED, most=3),
    _failpoint("DiscardUpload: sweep, before commit", "after sweep", *DISCARDED, most=2),
    _failpoint(RANDOM, "", *ENDED, *DISCARDED),
)


class Trap:
    """The note and what has fallen for it, in one folder; server and test have each one."""

    def __init__(self, folder: Path) -> None:
        self._note, self._log = folder / "armed", folder / "fallen"
        self._serial, self._passed = 0, 0
        self._known = ""

    def arm(self, seam: str, passes: int) -> None:
        """Let the server die when it comes by for the `passes`-th time from now on."""
        self._serial += 1
        draft = self._note.with_suffix(".draft")
        draft.write_text(f"{self._serial}\n{seam}\n{passes}")
        draft.replace(self._note)

    def disarm(self) -> None:
        """Let the server live."""
        self._note.unlink(missing_ok=True)

    def fallen(self) -> int:
        """Tell how many servers have fallen for it."""
        return len(self._log.read_text().splitlines()) if self._log.exists() else 0

    def passing(self, seam: str) -> None:
        """Die here if it is time. Only the writing thread comes by, so nothing is locked."""
        try:
            note = self._note.read_text()
        except FileNotFoundError:
            return
        if note != self._known:
            self._known, self._passed = note, 0
        _, awaited, passes = note.splitlines()
        self._passed += awaited == seam
        if awaited == seam and self._passed == int(passes):
            self._die(seam)

    def _die(self, seam: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{seam}\n")
        os.kill(os.getpid(), signal.SIGKILL)
