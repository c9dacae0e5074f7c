"""A probe, and a server that looks at its database all the time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook_server import app
from rollbook_server.health import SERVICES
from rollbook_server.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Server

SERVING = health_pb2.HealthCheckResponse.SERVING
EVERYTHING = frozenset(("", *SERVICES))


class Probe:
    """Asks for the health of services, without a key."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self._stub = health_pb2_grpc.HealthStub(self.channel)

    def healthy(self) -> frozenset[str]:
        """Give the services that are served; empty stands for the whole server."""
        return frozenset(name for name in EVERYTHING if self.check(name) == SERVING)

    def check(self, service: str) -> int:
        request = health_pb2.HealthCheckRequest(service=service)
        return int(self._stub.Check(request, timeout=60).status)

    def watch(self, service: str = "") -> Iterator[int]:
        """Ask at once; gives each state of a service as it comes."""
        answers = self._stub.Watch(health_pb2.HealthCheckRequest(service=service))
        return (int(answer.status) for answer in answers)


@pytest.fixture(autouse=True)
def quick_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feel the pulse of databases more often than anybody needs."""
    monkeypatch.setattr(app, "Pulse", partial(Pulse, every_seconds=0.02))


@pytest.fixture(autouse=True)
def patient_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no watcher be cut off because this machine is slow."""
    monkeypatch.setattr(app, "WATCHERS_SECONDS", 60)


@pytest.fixture
def probing() -> Iterator[Callable[[str], Probe]]:
    """Give a way to probe an address."""
    probes: list[Probe] = []

    def start(address: str) -> Probe:
        probes.append(Probe(address))
        return probes[-1]

    yield start
    for each in probes:
        each.channel.close()


@pytest.fixture
def probe(server: Server, probing: Callable[[str], Probe]) -> Probe:
    return probing(server.address)
