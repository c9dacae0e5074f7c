"""Probes are answered whatever uploads and inventories hold; reflection can be switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from health.conftest import EVERYTHING
from uploads.wire import Wire, opening, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from health.conftest import Probe
    from running import Server


def test_health_answers_while_uploads_and_inventories_hold_every_stream_they_may(
    server: Server, probe: Probe
) -> None:
    with server.admin() as admin, Wire(server) as wire:
        profile = admin.create_profile("Depot").profile_id
        names = [f"upload-{number}" for number in range(server.config.upload_streams)]
        streams = [wire.stream().send(opening(profile, name)) for name in names]
        until(lambda: len(wire.query("SELECT 1 FROM uploads")) == len(names))
        exports = [server.app._exports.one() for _ in range(server.config.export_streams)]
        for each in exports:
            each.__enter__()
        assert wire.refused(opening(profile, "one more")).reason == "TOO_MANY_UPLOADS"
        assert probe.healthy() == EVERYTHING
        for each in exports:
            each.__exit__(None, None, None)
        for stream in streams:
            stream.end()


REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


def listed(server: Server, service: str) -> list[str]:
    """Ask by reflection for the services."""
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.stream_stream(
            f"/{service}/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        metadata = (("authorization", f"Bearer {server.api_key}"),)
        (answer,) = call(iter([request]), metadata=metadata)
    return [each.name for each in answer.list_services_response.service]


@pytest.mark.parametrize("service", REFLECTION)
def test_reflection_can_be_switched_off(serve: Callable[..., Server], service: str) -> None:
    server = serve()
    assert EVERYTHING - {""} < set(listed(server, service))
    server.stop()
    with pytest.raises(grpc.RpcError) as refused:
        listed(serve(reflection=False), service)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
