"""Which command helps after which refusal, where the server cannot know it."""

from __future__ import annotations

from rollbook.errors import RollbookError, UnavailableError

_AFTER_REASON = {
    "API_KEY_INVALID": "Check ROLLBOOK_API_KEY, --api-key-file and which server --address names.",
    "PROFILE_NOT_FOUND": "The profiles of this server: rollbook profile list",
    "PROFILE_NAME_TAKEN": "The profiles of this server: rollbook profile list",
    "PROFILE_IS_TOKENLESS": "Its devices enroll without a token: rollbook enroll --imei IMEI",
    "UPLOAD_NOT_FOUND": "Begin a new upload: the same command without --resume",
    "UPLOAD_MISMATCH": "Resume with the profile and the options that the upload was begun with, "
    "or begin a new one without --resume.",
    "UPLOAD_SOURCE_CHANGED": "Begin a new upload: the same command without --resume",
    "UPLOAD_DISCARDED": "Begin a new upload: the same command without --resume",
    "UPLOAD_SUPERSEDED": "Another command goes on with the same upload; let it end.",
    "CSV_NO_IDENTIFIER_COLUMN": "See how a file looks: rollbook template; "
    "or name your columns: --map COLUMN=FIELD",
}


def next_step_after(error: RollbookError) -> str:
    """Give a sentence that names a command or option; empty where none helps."""
    if isinstance(error, UnavailableError) and not error.reason:
        return "Start a server here: rollbook serve; or name another: --address HOST:PORT"
    return _AFTER_REASON.get(error.reason, "")
