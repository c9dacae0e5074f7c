"""Errors of many rows at once, kept column by column as `row_blocks` keeps the rows.

Of a file in which every row is a duplicate, all errors come in columns and go into the
database in columns: to make each of them in between took a tenth of such an upload.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, overload

from rollbook_server.domain.devices import RowError, new_row_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.domain.errors import RowReason


class ErrorBlock(NamedTuple):
    """Errors as columns: the fields of `RowError`, each a sequence of one length."""

    row: Sequence[int]
    line: Sequence[int]
    column: Sequence[str]
    reason: Sequence[RowReason]
    message: Sequence[str]
    device_id: Sequence[str]
    values: Sequence[Sequence[str]]
    suggestion: Sequence[str]

    def errors(self) -> Iterator[RowError]:
        """Give each."""
        return map(new_row_error, zip(*self, strict=True))


class RowErrors(Sequence[RowError]):
    """Errors, of which many may come in blocks; single ones are made when somebody asks."""

    def __init__(self, errors: Sequence[RowError] = ()) -> None:
        self._blocks: list[ErrorBlock] = []
        self._single = list(errors)

    @property
    def blocks(self) -> list[ErrorBlock]:
        """All of them."""
        single = [ErrorBlock(*zip(*self._single, strict=True))] if self._single else []
        return [*self._blocks, *single]

    def append(self, error: RowError) -> None:
        """Add one."""
        self._single.append(error)

    def extend(self, more: RowErrors) -> None:
        """Add others."""
        self._blocks += more._blocks
        self._single += more._single

    def add(self, block: ErrorBlock) -> None:
        """Add a block."""
        self._blocks.append(block)

    def __len__(self) -> int:
        """Count them."""
        return sum(len(block.row) for block in self._blocks) + len(self._single)

    def __iter__(self) -> Iterator[RowError]:
        """Give each, those of blocks first."""
        return chain(*(block.errors() for block in self._blocks), self._single)

    @overload
    def __getitem__(self, place: int) -> RowError: ...
    @overload
    def __getitem__(self, place: slice) -> list[RowError]: ...
    def __getitem__(self, place: int | slice) -> RowError | list[RowError]:
        """Give one, or some."""
        return list(self)[place]
