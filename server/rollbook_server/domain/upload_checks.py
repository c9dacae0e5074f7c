"""Whether a stream may open an upload with the options it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollbook_server.domain import free_texts
from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from rollbook_server.domain.upload_options import UploadOptions

FILE_NAME_LIMIT = 255  # characters, as most file systems have it
# What must not change between two streams; a mended file may have another name.
_LASTING = ("profile_id", "on_invalid_row", "on_conflict", "validate_only", "column_mapping")
_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_options(options: UploadOptions) -> None:
    """Raise RollbookError with UPLOAD_ID_INVALID or FIELD_INVALID for what cannot be meant."""
    if not _UPLOAD_ID.fullmatch(options.upload_id):
        raise RollbookError(
            Reason.UPLOAD_ID_INVALID,
            "upload_id must be 1 to 64 letters, digits, hyphens and underscores; "
            "a random UUID is a good choice.",
        )
    free_texts.check(options.file_name, FILE_NAME_LIMIT, "open.file_name")


def check_same(first: UploadOptions, options: UploadOptions) -> None:
    """Raise RollbookError with UPLOAD_MISMATCH unless a resume says what the first open said."""
    names = [name for name in _LASTING if _differs(first, options, name)]
    if not names:
        return
    raise RollbookError(
        Reason.UPLOAD_MISMATCH,
        f"Upload {options.upload_id} was opened with another {' and '.join(names)}; "
        "resume it with the same, or choose another upload_id.",
        upload_id=options.upload_id,
        fields=",".join(names),
    )


def _differs(one: UploadOptions, other: UploadOptions, name: str) -> bool:
    return bool(getattr(one, name) != getattr(other, name))
