"""Calls of an administrator's with messages of the contract, where a method would not help."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rollbook._dual import finished

if TYPE_CHECKING:
    import grpc

    from rollbook import AdminClient

_RequestT = TypeVar("_RequestT")
_ResponseT = TypeVar("_ResponseT")


def unary(
    admin: AdminClient,
    method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
    request: _RequestT,
) -> _ResponseT:
    """Call with the key, the deadline and the errors of the client."""
    answer: _ResponseT = finished(admin._caller.unary(method, request))
    return answer
