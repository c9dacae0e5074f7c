"""Etags: how a change says which state of a resource it was meant for (AIP-154)."""

from __future__ import annotations

from rollbook_server.domain.errors import Reason, RollbookError


def etag(revision: int) -> str:
    """Give the opaque form of a revision."""
    return f'"{revision}"'


def check(given: str, revision: int, what: str) -> None:
    """Raise RollbookError with ETAG_MISMATCH unless the etag is empty or of this revision."""
    if given and given != etag(revision):
        raise RollbookError(
            Reason.ETAG_MISMATCH,
            f"{what} changed since its etag was read; read it again, then decide anew.",
        )
