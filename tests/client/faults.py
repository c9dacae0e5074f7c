"""How a fake server can be told to fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


@dataclass(frozen=True)
class Fault:
    """How a call fails; without a reason, as a proxy or a broken connection would."""

    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    reason: str = ""
    message: str = "gone"
    metadata: dict[str, str] = field(default_factory=dict)
    fields: list[tuple[str, str]] = field(default_factory=list)
    retry_after: float | None = None
    # Of a stream: when (open, each chunk and finish count), and what becomes of it.
    after: int = 0
    lost_bytes: int = 0
    answers: bool = False

    def raise_in(self, context: grpc.ServicerContext) -> NoReturn:
        if not self.reason and self.retry_after is None:
            context.abort(self.code, self.message)
        context.abort_with_status(rpc_status.to_status(self.status()))

    def status(self) -> Any:
        details = [error_details_pb2.ErrorInfo(reason=self.reason, domain="rollbook")]
        details[0].metadata.update(self.metadata)
        if self.fields:
            violations = [
                error_details_pb2.BadRequest.FieldViolation(field=path, description=text)
                for path, text in self.fields
            ]
            details.append(error_details_pb2.BadRequest(field_violations=violations))
        if self.retry_after is not None:
            delay = duration_pb2.Duration()
            delay.FromNanoseconds(int(self.retry_after * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        packed = [any_pb2.Any() for _ in details]
        for into, detail in zip(packed, details, strict=True):
            into.Pack(detail)
        return status_pb2.Status(code=self.code.value[0], message=self.message, details=packed)
