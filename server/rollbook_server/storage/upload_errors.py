"""Rejected rows of uploads in the database."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rollbook_server.domain.devices import RowError
from rollbook_server.domain.errors import RowReason
from rollbook_server.storage.upload_tables import UploadErrorTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollbook_server.domain.error_blocks import ErrorBlock
    from rollbook_server.storage.engine import RollDatabase


# Characters of an error whose cells are kept: 1.2 MB in UTF-8 at most, where answers hold
# 4 MiB. The column and the message are never so long that cells of the second size matter.
_LONGEST, _LONG_CELLS = 300_000, 100_000

_CUT = '"]\0["'  # between two rows; no cell that is printable holds a NUL

# What is often alike in all errors of a batch is then bound once, as in `packed_rows`.
_OFTEN_SHARED = ("message", "column", "reason", "device_id", "suggestion")


class UploadErrors:
    """The errors as one transaction sees them; `upload` is an upload's key."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def add(self, upload: int, block: ErrorBlock) -> None:
        """Add errors, at least one; a row has one at most."""
        columns = _columns(block)
        shared = {"upload": upload} | {name: columns.pop(name)[0] for name in _alike(columns)}
        self._database.put_in("upload_errors", columns, shared)

    def list(self, upload: int, *, after: int, limit: int) -> Iterator[RowError]:
        """Give at most `limit` errors of rows behind row `after`, in order of row, one by one."""
        mine = (UploadErrorTable.upload == upload) & (UploadErrorTable.row > after)
        query = UploadErrorTable.select().where(mine).order_by(UploadErrorTable.row).limit(limit)
        return map(_error, query.dicts().iterator(self._database))


def _columns(block: ErrorBlock) -> dict[str, Sequence[Any]]:
    return {
        "row": block.row,
        "line": block.line,
        "message": block.message,
        "cells": _plain_cells(list(block.values)) or list(map(_cells, block.errors())),
        "column": block.column,
        "reason": [each._value_ for each in block.reason],  # the property takes four times as long
        "device_id": block.device_id,
        "suggestion": block.suggestion,
    }


def _alike(columns: dict[str, Sequence[Any]]) -> list[str]:
    return [name for name in _OFTEN_SHARED if len(set(columns[name])) == 1]


def _plain_cells(rows: Sequence[Sequence[str]]) -> list[str]:
    """Give the same as `_cells` of each row, if all need nothing but quotes; else nothing.

    It takes a quarter of the time, and is so with most files.
    """
    if not (all(rows) and all(map(itemgetter(-1), rows))):
        return []
    text = f"""["{_CUT.join(map('","'.join, rows))}"]"""
    quotes, cuts = 2 * sum(map(len, rows)), len(rows) - 1  # two quotes around every cell
    is_plain = text.replace("\0", "").isprintable() and "\\" not in text
    if not is_plain or text.count('"') != quotes or text.count("\0") != cuts:
        return []
    cells = text.split("\0")
    return cells if max(map(len, cells)) <= _LONG_CELLS else []


def _cells(error: RowError) -> str:
    """Give the cells of a row as JSON.

    Without the empty ones at the end: of a hundred they may be most. With none of a
    row that is too long for the answers that would hold it.
    """
    filled = error.values
    while filled and not filled[-1]:
        filled = filled[:-1]
    text = f"[{','.join(map(encode_basestring, filled))}]"
    return "[]" if len(text) > _LONG_CELLS and error.length > _LONGEST else text


def _error(row: dict[str, Any]) -> RowError:
    return RowError(
        row=row["row"],
        line=row["line"],
        column=row["column"],
        reason=RowReason(row["reason"]),
        message=row["message"],
        device_id=row["device_id"],
        values=json.loads(row["cells"]),
        suggestion=row["suggestion"],
    )
