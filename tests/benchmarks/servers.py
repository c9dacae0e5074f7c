"""Fresh servers for benchmarks: real processes over real files, on a free port."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def fresh_server(folder: Path, *options: str) -> Iterator[ServerProcess]:
    """Give a server with an empty roll, its files in a new folder."""
    folder.mkdir()
    server = ServerProcess(folder / "data", *options).start()
    try:
        yield server
    finally:
        server.terminate()
