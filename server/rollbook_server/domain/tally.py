"""What is counted for whoever looks after a server: outcomes, as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rollbook_server.domain.uploads import Counts, UploadState

if TYPE_CHECKING:
    from rollbook_server.domain.audit import Action
    from rollbook_server.domain.enrollment import Decision
    from rollbook_server.domain.uploads import Upload


class Tally(Protocol):
    """Counts. Thread-safe; gives back at once and raises nothing."""

    def decided(self, action: Action, decision: Decision) -> None:
        """Count what a device was told, and the true cause."""

    def took(self, counts: Counts) -> None:
        """Count rows of an upload that are durable."""


class NoTally:
    """Counts nothing: for a server that nobody asks."""

    def decided(self, action: Action, decision: Decision) -> None:
        """Do nothing."""

    def took(self, counts: Counts) -> None:
        """Do nothing."""


def at_the_end(upload: Upload) -> Counts:
    """Give the rows that an upload brought by ending, beyond those of its batches.

    Where batches put nothing on the roll, all of them: of one that failed only what was
    wrong, for nothing else of it is kept. A dry run brings none.
    """
    if upload.options.writes_at_once or upload.options.validate_only:
        return Counts()
    if upload.state is UploadState.FINISHED:
        return upload.counts
    return Counts(rejected=upload.counts.rejected)
