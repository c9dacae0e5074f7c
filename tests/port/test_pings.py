"""How long connections wait for the answer to a ping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook._channel import endpoint
from rollbook_server.config import Config
from rollbook_server.listening import options

if TYPE_CHECKING:
    from pathlib import Path

HELD_BYTES, SLOW = 4 * 1024 * 1024, 15_000  # what a kernel holds at most, and bytes a second


def test_pings_may_wait_behind_all_that_a_kernel_holds(tmp_path: Path) -> None:
    """Else gRPC ends the connection of an upload that is on its way."""
    theirs, ours = options(Config(data_dir=tmp_path)), endpoint("localhost:1")._options(apart=False)
    for each in (dict(theirs), dict(ours)):
        assert int(each["grpc.http2.ping_timeout_ms"]) / 1000 >= HELD_BYTES / SLOW
