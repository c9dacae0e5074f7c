"""What somebody finds who can reach the port and has no key."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from methods import MALFORMED, methods
from port.frames import Wire, decode
from rollbook_server.health import SERVICES
from rollbook_server.transport.admission import OPEN_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Server, ServerProcess

UNAUTHENTICATED, UNIMPLEMENTED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED
OURS = methods(*SERVICES, "grpc.health.v1.Health")
REFLECTION = [
    f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    for version in ("v1", "v1alpha")
]
# What gRPC servers of all kinds are asked for by those who look for them.
SOUGHT = [
    *(f"/grpc.channelz.v1.Channelz/{name}" for name in ("GetServers", "GetTopChannels")),
    "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
    "/envoy.admin.v3.AdminService/Get",
    "/grpc.lb.v1.LoadBalancer/BalanceLoad",
    "/grpc.gcp.HandshakerService/DoHandshake",
    "/grpc.testing.TestService/EmptyCall",
    "/", "//", "/metrics", "/healthz", "/debug/pprof/heap", "/rollbook.v1.ProfileService/Nope",
]  # fmt: skip
LIST = "rollbook.v1.ProfileService/ListProfiles"
# Other ways to write a method that needs a key, of which a careless guard might know nothing.
DISGUISES = [
    f"//{LIST}", f"/{LIST}/", f"/{LIST}?", f"/{LIST}%00", f"/{LIST} ", f"/{LIST.lower()}",
    f"/{LIST.upper()}", f"/grpc.health.v1.Health/../{LIST}", f"/grpc.health.v1.Health/{LIST}",
    f"/rollbook.v1.EnrollmentService/{LIST}", "/rollbook.v1.EnrollmentService/ListProfiles",
    f"/rollbook.v1.EnrollmentService/EnrollDevice/{LIST}", f"http://x/{LIST}",
]  # fmt: skip


@pytest.fixture
def channel(server: Server) -> Iterator[Any]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


def answered(channel: Any, path: str, key: str = "") -> grpc.StatusCode:
    metadata = [("authorization", key)] if key else []
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(path)(MALFORMED, metadata=metadata, timeout=20)
    return caught.value.code()


def test_who_looks_around_without_a_key_finds_enrollment_and_health_alone(
    channel: Any,
) -> None:
    open_ones = {method.path for method in OURS if method.service in OPEN_SERVICES}
    paths = [*(method.path for method in OURS), *REFLECTION, *SOUGHT]
    found = {path: answered(channel, path) for path in paths}

    assert {path for path, code in found.items() if code is UNIMPLEMENTED} == set(SOUGHT)
    closed = {path for path, code in found.items() if code is UNAUTHENTICATED}
    assert closed == set(paths) - open_ones - set(SOUGHT)
    assert {service for service in OPEN_SERVICES if "rollbook" in service} == {
        "rollbook.v1.EnrollmentService"
    }


@pytest.mark.parametrize("path", DISGUISES)
def test_a_method_in_disguise_is_none(server: Server, channel: Any, path: str) -> None:
    for key in ("", f"Bearer {server.api_key}"):
        assert answered(channel, path, key) is UNIMPLEMENTED


HEADERS = ["authorization", "x-api-key", "x-forwarded-for", "grpc-status", "x-role"]
VALUES = ["", "Bearer", "Bearer null", "Bearer *", "Bearer ' OR 1=1 --", "Basic YWRtaW46YWRtaW4="]


def test_no_header_stands_in_for_a_key(server: Server, channel: Any) -> None:
    for name, value in product(HEADERS, [*VALUES, "admin", server.api_key]):
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{LIST}")(b"", metadata=[(name, value)], timeout=20)
        assert caught.value.code() is UNAUTHENTICATED


def test_a_key_counts_if_it_is_the_only_one(server: Server, channel: Any) -> None:
    """Not the second of two: a proxy in between may look at the first alone."""
    keys = [("authorization", "Bearer x"), ("authorization", f"Bearer {server.api_key}")]
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(f"/{LIST}")(b"", metadata=keys, timeout=20)
    assert caught.value.code() is UNAUTHENTICATED


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 99, b"SSH-2"],
)
def test_who_speaks_something_else_is_told_nothing(server: Server, said: bytes) -> None:
    """But the settings of HTTP/2, which hold no name and no version."""
    with Wire(server.address) as wire:
        wire.send(said)
        heard = wire.finish()
    assert not re.search(rb"(?i)grpc|rollbook|python|\d\.\d", heard)
    assert {frame.kind for frame in decode(heard)} <= {4, 7, 8}


def test_a_process_listens_on_one_port_alone(victim: ServerProcess) -> None:
    listening = {
        int(line.split()[1].rpartition(":")[2], 16)
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{victim.pid}/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in _sockets(victim)
    }
    assert listening == {int(victim.address.rpartition(":")[2])}
    for table in ("udp", "udp6"):
        lines = Path(f"/proc/{victim.pid}/net/{table}").read_text().splitlines()[1:]
        assert not {line.split()[9] for line in lines} & _sockets(victim)


def _sockets(process: ServerProcess) -> set[str]:
    links = (path.readlink() for path in Path(f"/proc/{process.pid}/fd").iterdir())
    return set(re.findall(r"socket:\[(\d+)\]", " ".join(map(str, links))))
