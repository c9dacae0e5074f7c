"""Connections that strangers make and keep, and calls that never end."""

from __future__ import annotations

import resource
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from port.frames import GOAWAY, SETTINGS, Frame, Wire, decode
from rollbook import EnrollmentAgent, EnrollOutcome
from rollbook_server import listening
from rollbook_server.transport import waiting_line
from running import ServerProcess
from uploads.wire import refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server

FEW = 200  # file descriptors, as if a system gave as few as that
SECONDS = {"grpc.server_handshake_timeout_ms": 20, "grpc.max_connection_idle_ms": 300}


def test_a_process_takes_more_descriptors_than_it_is_given(tmp_path: Path) -> None:
    """Or else as many strangers, who connect and say nothing, keep all devices out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
    try:
        process = ServerProcess(tmp_path / "data").start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    host, _, port = process.address.rpartition(":")
    with ExitStack() as held:
        held.callback(process.kill)
        for _ in range(2 * FEW):
            held.enter_context(closing(socket.create_connection((host, int(port)))))
        with EnrollmentAgent(process.address, timeout_seconds=60) as agent:
            told = agent.enroll_device(imeis=["35693803564380"])
    assert told.outcome is EnrollOutcome.NOT_REGISTERED


def sooner(name: str) -> Any:
    """Let a limit of time be a hundredth of what it is, so that a test can wait for it."""
    options = dict(listening._OPTIONS)
    assert options[name] == 1000 * SECONDS[name]
    return patch.object(listening, "_OPTIONS", tuple({**options, name: 10 * SECONDS[name]}.items()))


def test_who_connects_and_says_nothing_is_sent_away(serve: Callable[..., Server]) -> None:
    with sooner("grpc.server_handshake_timeout_ms"):
        server = serve()
    with Wire(server.address) as wire:
        wire.rest()  # until the server hangs up


def test_a_connection_without_a_call_ends(serve: Callable[..., Server]) -> None:
    with sooner("grpc.max_connection_idle_ms"):
        server = serve()
    with Wire(server.address) as wire:
        wire.greet()
        wire.send_frames(Frame(SETTINGS, 1))
        said = b""
        while not any(frame.kind == GOAWAY for frame in decode(said)):
            piece = wire.hear()
            assert piece
            said += piece


def test_so_many_watch_our_health_and_wait_for_it_and_all_can_ask(
    serve: Callable[..., Server],
) -> None:
    with patch.object(waiting_line, "_WATCHERS", 3):
        server = serve()
    with grpc.insecure_channel(server.address) as channel:
        probe = health_pb2_grpc.HealthStub(channel)
        watching = []
        for _ in range(8):  # one has its place before the next comes, or it might stand in line
            watching.append(probe.Watch(health_pb2.HealthCheckRequest()))
            assert next(watching[-1]).status == 1
        waiting = [probe.Watch(health_pb2.HealthCheckRequest()) for _ in range(3)]
        until(lambda: server.app._lines._watchers.length == 3)
        with pytest.raises(grpc.RpcError) as caught:
            next(probe.Watch(health_pb2.HealthCheckRequest()))
        told = refusal(caught.value)
        assert (told.code, told.reason, told.retries) == ("UNAVAILABLE", "SERVER_BUSY", True)
        assert probe.Check(health_pb2.HealthCheckRequest()).status == 1
        assert not server.app._lines.anyone_waits()
        watching.pop().cancel()
        assert next(waiting[0]).status == 1
        for watch in (*watching, *waiting):
            watch.cancel()
