"""Server reflection, under its alpha name and under v1, which newer tools ask for.

grpcio registers v1alpha only (grpc/grpc#38576); the messages of the two are the
same on the wire, so one servicer serves both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Sequence

V1 = "grpc.reflection.v1.ServerReflection"


def register(server: grpc.Server, services: Sequence[str]) -> None:
    """Let tools such as grpcurl find these services without files."""
    # v1 is not listed: it has no descriptor here, and `grpcurl describe` asks for that
    # of every service in the list.
    servicer = reflection.ReflectionServicer((*services, reflection.SERVICE_NAME))
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    generic = grpc.method_handlers_generic_handler(V1, {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((generic,))
