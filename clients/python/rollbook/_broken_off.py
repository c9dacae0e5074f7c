"""Failures after a part was given: whoever got it must not take it for the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollbook.errors import RollbookError


def broken_off(error: RollbookError, what: str) -> RollbookError:
    """Give the error anew, saying that what came before it is not all."""
    return type(error)(
        f"{what} broke off and is incomplete: {error.message}",
        reason=error.reason,
        code=error.code,
        metadata=error.metadata,
        fields=error.fields,
        retry_after_seconds=error.retry_after_seconds,
    )
