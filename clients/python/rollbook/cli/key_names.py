"""Finds the API key that was meant: by api_key_id, or else by name."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rollbook import NotFoundError
from rollbook.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook import AdminClient, ApiKey

_LONGEST_PAGE = 1000


def find_api_key_named(client: AdminClient, wanted: str) -> ApiKey:
    """Give the key with this id, else the one with this name that is not revoked yet.

    Raises NotFoundError with API_KEY_NOT_FOUND, and CommandError if several have the name.
    """
    keys = list(client.list_api_keys(page_size=_LONGEST_PAGE))
    found = [key for key in keys if key.api_key_id == wanted] or _named(keys, wanted)
    if not found:
        raise NotFoundError(
            f"There is no API key with the id or the name {wanted!r}.",
            reason="API_KEY_NOT_FOUND",
            code="NOT_FOUND",
        )
    if len(found) > 1:
        raise _ambiguous(wanted, found)
    return found[0]


def _named(keys: Sequence[ApiKey], wanted: str) -> list[ApiKey]:
    same = [key for key in keys if _folded(key.display_name) == _folded(wanted)]
    # Of revoked ones there may be many with the name; each can be voided again.
    return [key for key in same if key.revoke_time is None] or same[-1:]


def _ambiguous(wanted: str, found: Sequence[ApiKey]) -> CommandError:
    ids = ", ".join(key.api_key_id for key in found)
    return CommandError(
        f"{len(found)} API keys are named {wanted!r}: {ids}",
        reason="API_KEY_AMBIGUOUS",
        next_step="Name the one by its id.",
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip()).casefold()
