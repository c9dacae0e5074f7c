"""The uploads of a profile, in pages that fit a message."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollbook_server.domain import profiles
from rollbook_server.domain.clock import microseconds
from rollbook_server.domain.pages import Page, fitting, page_of

if TYPE_CHECKING:
    from rollbook_server.domain.pages import Kinds, PageRequest
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.uploads import Upload

KINDS: Kinds = (int, str)  # create_time, upload_id
_CHARACTERS = 524_288  # in a message: gRPC takes 4 MiB, and headers may be long
_WITHOUT_COLUMNS = 1024  # characters of an upload at most, but for its columns


def list_page(roll: Roll, profile_id: str, request: PageRequest) -> Page[Upload]:
    """Give one page of a profile's uploads, newest first and without their errors.

    A page is shorter where files have very many columns. Raises RollbookError with
    PROFILE_NOT_FOUND.
    """
    profiles.get(roll, profile_id)
    found = roll.uploads.list(profile_id, after=request.after, limit=request.size + 1)
    fits, behind = fitting(found, _length, _CHARACTERS)
    shorter = replace(request, size=min(request.size, len(fits)))
    return page_of([*fits, *behind], shorter, _sort_key)


def _sort_key(upload: Upload) -> tuple[int, str]:
    return microseconds(upload.create_time), upload.upload_id


def _length(upload: Upload) -> int:
    columns = upload.progress.columns()
    return _WITHOUT_COLUMNS + (sum(map(len, columns.headers)) if columns else 0)
