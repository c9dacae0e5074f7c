"""The rejected rows of uploads, in portions that fit a message."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from rollbook_server.domain.pages import Page, fitting, page_of
from rollbook_server.domain.single_rows import TYPED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.devices import RowError
    from rollbook_server.domain.pages import PageRequest
    from rollbook_server.domain.ports import Roll
    from rollbook_server.domain.uploads import Upload

SHOWN = 100  # in an Upload, at most; says the contract
CHARACTERS = 524_288  # in a message: gRPC takes 4 MiB, and cells may be long


def first(roll: Roll, upload_id: str) -> list[RowError]:
    """Give the first errors of an upload, in order of row."""
    errors = roll.uploads.errors(upload_id, after=0, limit=SHOWN)
    return fitting(errors, attrgetter("length"), CHARACTERS)[0]


def page(roll: Roll, upload: Upload, request: PageRequest) -> Page[RowError]:
    """Give one page of rejected rows in order of row, a shorter one if they are long."""
    after = int(request.after[0]) if request.after else 0
    found = roll.uploads.errors(upload.upload_id, after=after, limit=request.size + 1)
    fits, behind = fitting(found, attrgetter("length"), CHARACTERS)
    shorter = replace(request, size=min(request.size, len(fits)))
    return page_of([*fits, *behind], shorter, lambda error: (error.row,))


def columns(upload: Upload) -> Sequence[str]:
    """Give the uploader's own header, under which the cells of row errors stand.

    Of typed rows these are the identifiers: attributes are not kept with an error.
    """
    understood = upload.progress.columns()
    return understood.headers if understood else TYPED_COLUMNS
