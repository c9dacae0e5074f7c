"""The file of an upload's rejected rows: its name, and its writing."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from rollbook.cli.new_files import NewFile
from rollbook.cli.upload_inputs import passes
from rollbook.cli.upload_request import free_path

if TYPE_CHECKING:
    from rollbook import AdminClient, Upload

_OF_PIPES = Path("rejected.csv")
# A file of rejected rows that was mended and has some again gets no second ending.
_ENDING = re.compile(r"\.rejected(-\d+)?$")


def beside(file: Path) -> NewFile:
    """Give the name that is taken when nobody says one: beside the file, and free.

    Of a pipe, which lies nowhere, it is in the present directory.
    """
    if passes(file):
        return NewFile(free_path(_OF_PIPES), "--errors")
    name = _ENDING.sub("", file.stem)
    return NewFile(free_path(file.with_name(f"{name}.rejected.csv")), "--errors")


def write_errors(client: AdminClient, done: Upload, new: NewFile) -> Path:
    """Write the rejected rows of an upload; gives the path of the file."""
    with new.writing() as file:
        # Without the mark at its beginning, spreadsheets take it for another encoding.
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        client.write_upload_errors(done.upload_id, text)
        text.detach()  # which writes what is left
    return new.path
