"""systemd is told when a server serves, and when it stops."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from rollbook_server import notify
from rollbook_server.notify import State
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Give what systemd listens on."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield manager


def test_a_server_tells_that_it_serves_and_that_it_stops(
    manager: socket.socket, tmp_path: Path
) -> None:
    server = ServerProcess(tmp_path / "data").start()
    assert manager.recv(999) == f"READY=1\nSTATUS=Listens on {server.address}".encode()
    assert server.terminate() == 0
    assert manager.recv(999).startswith(b"STOPPING=1\nSTATUS=")


def test_a_name_without_a_file_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"rollbook-test-notify-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify.notify(State.READY, "here")
        assert manager.recv(999) == b"READY=1\nSTATUS=here"


def test_a_manager_that_is_gone_is_no_reason_to_end(
    manager: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    manager.close()
    notify.notify(State.READY, "here")
    assert "systemd cannot be told" in caplog.text
