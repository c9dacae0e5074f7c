"""Why a call can fail.

One exception for every failure the domain vouches for: its text is free of
secrets and may reach the caller. The reasons are those of
`proto/rollbook/v1/error_reason.proto`; a test holds the two against each other.

    RollbookError
    ├── FieldsError        fields of a request break their rules, each named
    └── FileError          a CSV file cannot be read on; says where
"""

from __future__ import annotations

from enum import StrEnum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Upper(StrEnum):
    @staticmethod
    def _generate_next_value_(name: str, *_: object) -> str:
        return name


class Reason(_Upper):
    """Why a call failed, as scripts see it."""

    REQUEST_MALFORMED = auto()
    FIELD_INVALID = auto()
    METHOD_NOT_SERVED = auto()
    API_KEY_MISSING = auto()
    API_KEY_INVALID = auto()
    API_KEY_EXPIRED = auto()
    API_KEY_REVOKED = auto()
    RIGHT_MISSING = auto()
    REQUEST_ID_INVALID = auto()
    REQUEST_ID_REUSED = auto()
    ANSWER_UNREADABLE = auto()
    PAGE_TOKEN_INVALID = auto()
    ETAG_MISSING = auto()
    ETAG_MISMATCH = auto()
    STORE_FULL = auto()
    STORE_UNAVAILABLE = auto()
    OUTCOME_UNKNOWN = auto()
    SERVER_STOPPING = auto()
    REQUEST_IDLE = auto()
    INTERNAL_ERROR = auto()
    PROFILE_NOT_FOUND = auto()
    PROFILE_NAME_INVALID = auto()
    PROFILE_NAME_TAKEN = auto()
    PROFILE_NOT_EDITABLE = auto()
    PROFILE_IS_TOKENLESS = auto()
    CONFIGURATION_INVALID = auto()
    TOKEN_UNREADABLE = auto()
    TOKEN_IS_REVOKED = auto()
    TOKEN_DAYS_TOO_FEW = auto()
    TOKEN_DAYS_TOO_MANY = auto()
    TOKEN_DAYS_MISSING = auto()
    TOKEN_DAYS_NEGATIVE = auto()
    TOKEN_OVERLAP_INVALID = auto()
    SEALING_KEYS_FIXED = auto()
    QR_PAYLOAD_TOO_LARGE = auto()
    DEVICE_NOT_FOUND = auto()
    DEVICES_INVALID = auto()
    TOO_MANY_DEVICES = auto()
    INVENTORY_TOO_WIDE = auto()
    INVENTORY_CHANGED = auto()
    TOO_MANY_EXPORTS = auto()
    EXPORT_IDLE = auto()
    USER_NOT_FOUND = auto()
    USER_NAME_INVALID = auto()
    USER_NAME_TAKEN = auto()
    PASSWORD_INVALID = auto()
    TOO_MANY_SIGN_INS = auto()
    TOO_MANY_ATTEMPTS = auto()
    SERVER_BUSY = auto()
    API_KEY_NOT_FOUND = auto()
    ADMIN_KEY_NOT_REVOCABLE = auto()
    UPLOAD_NOT_FOUND = auto()
    UPLOAD_ID_INVALID = auto()
    UPLOAD_MISMATCH = auto()
    UPLOAD_MESSAGE_UNEXPECTED = auto()
    UPLOAD_GAP = auto()
    UPLOAD_SOURCE_CHANGED = auto()
    UPLOAD_SUPERSEDED = auto()
    UPLOAD_TOTAL_MISMATCH = auto()
    UPLOAD_CHECKSUM_MISMATCH = auto()
    UPLOAD_TOO_MANY_ROWS = auto()
    UPLOAD_HAS_INVALID_ROWS = auto()
    UPLOAD_FAILED = auto()
    UPLOAD_DISCARDED = auto()
    TOO_MANY_UPLOADS = auto()
    FILE_EMPTY = auto()
    FILE_WITHOUT_ROWS = auto()
    CSV_ENCODING = auto()
    CSV_UNCLOSED_QUOTE = auto()
    CSV_QUOTE_MISPLACED = auto()
    CSV_LINE_ENDING = auto()
    CSV_NUL_CHARACTER = auto()
    CSV_FIELD_TOO_LARGE = auto()
    CSV_TOO_MANY_COLUMNS = auto()
    CSV_DUPLICATE_COLUMN = auto()
    CSV_NO_IDENTIFIER_COLUMN = auto()


class RowReason(_Upper):
    """Why a row was rejected."""

    NO_IDENTIFIER = auto()
    MANUFACTURER_MISSING = auto()
    SERIAL_NUMBER_MISSING = auto()
    IMEI_LENGTH = auto()
    IMEI_CHARACTERS = auto()
    IMEI_CHECK_DIGIT = auto()
    IMEI_REPEATED = auto()
    SPREADSHEET_EXPONENT = auto()
    SPREADSHEET_LOST_ZEROS = auto()
    SPREADSHEET_FORMULA = auto()
    SERIAL_NUMBER_TOO_LONG = auto()
    SERIAL_NUMBER_CHARACTERS = auto()
    MANUFACTURER_TOO_LONG = auto()
    MANUFACTURER_CHARACTERS = auto()
    ATTRIBUTE_TOO_LONG = auto()
    ATTRIBUTE_NAME_INVALID = auto()
    TOO_MANY_ATTRIBUTES = auto()
    NUL_CHARACTER = auto()
    TOO_MANY_FIELDS = auto()
    DUPLICATE_IN_FILE = auto()
    DEVICE_ON_ROLL = auto()
    DEVICE_IN_OTHER_PROFILE = auto()
    KEYS_OF_SEVERAL_DEVICES = auto()
    EXAMPLE_ROW = auto()


class RollbookError(Exception):
    """A failure that may be told to the caller.

    `message` says what was wrong and what to do next; it holds no token, key or
    full identifier. `metadata` repeats its dynamic parts for scripts.
    """

    def __init__(self, reason: Reason, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = {name: str(value) for name, value in metadata.items()}
        self.retry_after_seconds: float | None = None

    def retry_after(self, seconds: float) -> RollbookError:
        """Say when the same call may succeed; gives the error back to be raised."""
        self.retry_after_seconds = seconds
        return self


class FieldsError(RollbookError):
    """Fields of a request break their rules; `fields` maps each path to its sentence.

    `message` is put together of these unless it is given.
    """

    def __init__(
        self,
        fields: Mapping[str, str],
        reason: Reason = Reason.FIELD_INVALID,
        message: str = "",
        **metadata: object,
    ) -> None:
        told = message or "; ".join(f"{path}: {text}" for path, text in fields.items())
        super().__init__(reason, told, **metadata)
        self.fields = dict(fields)


class FileError(RollbookError):
    """A CSV file cannot be read on.

    `line` is where (1 is the first line of the file), `row` the ordinal of the
    data row there (0 is the header), `column` the header of the field if known.
    """

    def __init__(
        self, reason: Reason, message: str, *, line: int, row: int = 0, column: str = ""
    ) -> None:
        place = f"line {line}" + (f", column {column}" if column else "")
        super().__init__(reason, f"{place}: {message}", line=line, row=row, column=column)
