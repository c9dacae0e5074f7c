"""What a server does to its files, and what clients were told, in one record, in order."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = "the power loss run needs a C compiler on Linux: Debian's package gcc"
_SOURCE = Path(__file__).with_name("recorder.c")
_ENTRY = struct.Struct("<ciqq")
_TOLD = b"M"


class Entry(NamedTuple):
    """One thing that happened.

    `what` is W for what was written at an offset, T for a file cut to a length, S and E for
    a sync that begins and has ended, by number, U for a file that was removed, and M for
    what a client was told: a mark, in JSON.
    """

    what: str
    name: str
    place: int
    data: bytes

    @property
    def mark(self) -> Any:
        """What the client was told."""
        return json.loads(self.data)


def can_record() -> bool:
    """Tell whether there is what it takes."""
    return Path("/proc/self/fd").exists() and shutil.which("cc") is not None


class Recorder:
    """Records what servers do that are started within `recording`, in the folder `watched`."""

    def __init__(self, folder: Path, watched: Path) -> None:
        self.path, self._library, self._watched = folder / "record", folder / "recorder.so", watched
        flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Werror"]
        command = ["cc", *flags, "-o", str(self._library), str(_SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Let processes that are started within be recorded."""
        names = {
            "LD_PRELOAD": str(self._library),
            "RECORD_FOLDER": f"{self._watched.resolve()}/",
            "RECORD_TO": str(self.path),
        }
        with patch.dict(os.environ, names):
            yield

    def told(self, mark: Any) -> None:
        """Note what a client was told. Thread-safe."""
        data = json.dumps(mark).encode()
        os.write(self._file, _ENTRY.pack(_TOLD, 0, 0, len(data)) + data)

    def close(self) -> None:
        """Note nothing more."""
        os.close(self._file)

    def entries(self) -> Iterator[Entry]:
        """Give what was recorded, in order."""
        record, begin = self.path.read_bytes(), 0
        while begin < len(record):
            what, name_bytes, place, data_bytes = _ENTRY.unpack_from(record, begin)
            middle = begin + _ENTRY.size + name_bytes
            name = record[begin + _ENTRY.size : middle].decode()
            begin = middle + data_bytes
            yield Entry(what.decode(), name, place, record[middle:begin])
