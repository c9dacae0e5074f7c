"""Every method of the contract, and a way to call any of them with any bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
from google.protobuf import descriptor_pool
from grpc_status import rpc_status

from rollbook._channel import endpoint
from rollbook._failures import from_rpc_error
from rollbook_server.domain.errors import Reason

if TYPE_CHECKING:
    from rollbook import RollbookError
    from running import Server

MALFORMED = b"\xff\xff\xff"
PROTO = Path(__file__).parents[1] / "proto/rollbook/v1"
# Any call can fail so, beside what its comment tells.
GENERAL = {Reason.REQUEST_MALFORMED, Reason.FIELD_INVALID, Reason.REQUEST_ID_INVALID}


class Method(NamedTuple):
    service: str
    name: str

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"

    @property
    def descriptor(self) -> Any:
        service = descriptor_pool.Default().FindServiceByName(self.service)
        return service.methods_by_name[self.name]

    def comment(self) -> str:
        """What the contract says of the method."""
        text = "".join(path.read_text() for path in sorted(PROTO.glob("*_service.proto")))
        comment = re.search(rf"((?: *//.*\n)+) *rpc {self.name}\(", text)
        assert comment
        return re.sub(r"\n *//", "", comment[1])

    def documented(self) -> set[str]:
        """The reasons that the comment names."""
        reasons = self.comment().partition("Reasons:")[2]
        prefixes = tuple(re.findall(r"\b([A-Z]+_)\s+reasons", self.comment()))
        if "as EnrollDevice" in reasons:
            own = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", reasons))
            return own | Method(self.service, "EnrollDevice").documented()
        whole = {str(reason) for reason in Reason if prefixes and reason.startswith(prefixes)}
        return set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", reasons)) | whole


def methods(*services: str) -> list[Method]:
    pool = descriptor_pool.Default()
    return [Method(s, m.name) for s in services for m in pool.FindServiceByName(s).methods]


class Caller:
    """Sends bytes to any method, and reads the first answer or the error."""

    def __init__(self, server: Server) -> None:
        self.server, self.channel = server, grpc.insecure_channel(server.address)

    def send(self, method: Method, *requests: bytes, key: str | None = None) -> bytes:
        metadata = () if key is None else (("authorization", key),)
        behavior: Any = self.channel.stream_stream(method.path)
        call = behavior(iter(requests), metadata=metadata, timeout=20)
        try:
            return bytes(next(call))
        finally:
            call.cancel()

    def error(self, method: Method, *requests: bytes, key: str | None = None) -> RollbookError:
        """The error of a call that must fail; it must carry one ErrorInfo of ours."""
        with pytest.raises(grpc.RpcError) as caught:
            self.send(method, *requests, key=key)
        status = rpc_status.from_call(caught.value)
        assert status is not None, caught.value
        kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
        assert kinds[0] == "ErrorInfo"
        assert sorted(set(kinds)) == sorted(kinds)
        return from_rpc_error(caught.value, endpoint(self.server.address))

    def send_anything(self, method: Method, *requests: bytes) -> None:
        """Send what may fail, but only for a reason that the contract names."""
        try:
            self.send(method, *requests, key=self.key)
        except grpc.RpcError as failed:
            error = from_rpc_error(failed, endpoint(self.server.address))
            assert error.reason in GENERAL | method.documented(), error
            assert error.message

    @property
    def key(self) -> str:
        return f"Bearer {self.server.api_key}"
