"""What is wrong with the devices of one request: every bad one is named, none is taken."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import FieldsError, Reason, RollbookError, RowReason
from rollbook_server.domain.single_rows import TYPED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook_server.domain.devices import RowError

_OF_ATTRIBUTES = (
    RowReason.ATTRIBUTE_NAME_INVALID,
    RowReason.ATTRIBUTE_TOO_LONG,
    RowReason.TOO_MANY_ATTRIBUTES,
)
MOST_DEVICES = 1000  # in a call, says the contract


def check_count(count: int, field: str) -> None:
    """Raise RollbookError with FIELD_INVALID for no device, TOO_MANY_DEVICES for too many."""
    if not count:
        raise FieldsError({field: f"is empty; it takes 1 to {MOST_DEVICES:,} devices"})
    if count > MOST_DEVICES:
        raise RollbookError(
            Reason.TOO_MANY_DEVICES,
            f"{count:,} devices are more than the {MOST_DEVICES:,} that one call may carry; "
            "send them in several, or upload them.",
            count=count,
            limit=MOST_DEVICES,
        )


class Faults:
    """Collects what is wrong; the path of a field begins with `list_name` and an index."""

    def __init__(self, list_name: str) -> None:
        self._list_name = list_name
        self._indexes: set[int] = set()
        self._fields: dict[str, str] = {}

    def add(self, index: int, field: str, text: str) -> None:
        """Note a fault; of several with one field the first is told."""
        place = self.place(index)
        self._indexes.add(index)
        self._fields.setdefault(f"{place}.{field}" if field else place, text)

    def add_row(self, index: int, error: RowError, *, prefix: str = "", line: int = 0) -> None:
        """Note what is wrong with a row by itself, and what it may be meant to be.

        `prefix` leads its fields, `line` is where it stands in the caller's source.
        """
        column = error.column
        told = f"line {line}: " if line > 0 else ""
        if error.reason in _OF_ATTRIBUTES or (column and column not in TYPED_COLUMNS):
            told += f"{column}: " if column else ""
            column = "attributes"
        meant = f"; is it {error.suggestion}?" if error.suggestion else ""
        field = f"{prefix}{column}" if column else prefix.removesuffix(".")
        self.add(index, field, f"{told}{error.message}{meant}")

    def place(self, index: int) -> str:
        """Give the path of one device of the request."""
        return f"{self._list_name}[{index}]"

    def check(self, reason: Reason, sentence: str) -> None:
        """Raise FieldsError if there are any; `sentence` follows their number, if several."""
        if not self._indexes:
            return
        count = len(self._indexes)
        path, text = next(iter(self._fields.items()))
        several = f"{count:,} {sentence} The first: {path}: {text}"
        message = f"{path}: {text}; nothing was done." if count == 1 else several
        indexes = runs(self._indexes)
        raise FieldsError(self._fields, reason, message, count=count, indexes=indexes)


def runs(indexes: Iterable[int]) -> str:
    """Give indexes as text in which runs are shortened: 0,3,7-12."""
    ranked = enumerate(sorted(indexes))
    groups = groupby(ranked, lambda pair: pair[1] - pair[0])
    kept = [[index for _, index in group] for _, group in groups]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in kept)
