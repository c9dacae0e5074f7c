"""What an upload reads: a file as it lies there, or a copy of what passes only once.

A pipe cannot be read again when the connection breaks, so that it is read to its end
before anything is sent.
"""

from __future__ import annotations

import io
import shutil
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

STDIN = Path("-")


def passes(file: Path) -> bool:
    """Tell whether what it gives is gone once it is read: stdin, pipes and devices."""
    return file == STDIN or not file.is_file()


@contextmanager
def kept(file: Path) -> Iterator[Path]:
    """Give a file that an upload can read as often as it has to.

    A copy is for its owner alone and goes when the upload is over, or with Ctrl-C.
    """
    if not passes(file):
        yield file
        return
    with NamedTemporaryFile(prefix="rollbook-", suffix=".csv") as copy:
        with _opened(file) as source:
            shutil.copyfileobj(source, copy)
        copy.flush()
        yield Path(copy.name)


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    if file != STDIN:
        return file.open("rb")
    return nullcontext(io.BytesIO() if sys.stdin is None else sys.stdin.buffer)
