"""Gives the stored answer to a mutation that comes again with its request_id."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from google.protobuf.message import Message

    from rollbook_server.domain.ports import Roll, Store

M = TypeVar("M", bound="Message")


class Mutation(Protocol):
    """A request message that may carry a request_id."""

    DESCRIPTOR: Any

    @property
    def request_id(self) -> str:
        """A UUID, or empty."""

    @classmethod
    def FromString(cls, s: bytes) -> Any:  # noqa: N802
        """Read such bytes again; protobuf's own method."""

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:  # noqa: N802
        """Give its bytes; protobuf's own method."""


def answer_once(
    store: Store, request: Mutation, now: datetime, work: Callable[[Roll], M], kind: type[M]
) -> M:
    """Do the work of a mutation, once for each request_id, and give its answer.

    The answer is kept in the transaction of the work itself. Raises RollbookError
    with REQUEST_ID_INVALID, or REQUEST_ID_REUSED if the id came with another
    request.
    """
    if not request.request_id:
        return store.write(work)
    name, digest = _canonical(request.request_id), _digest(request)

    def once(roll: Roll) -> M:
        kept = roll.answers.recall(name)
        if kept is not None:
            return _again(kept, digest, kind)
        answer = work(roll)
        roll.answers.keep(name, digest, answer.SerializeToString(), now)
        return answer

    return store.write(once)


def _again(kept: tuple[bytes, bytes], digest: bytes, kind: type[M]) -> M:
    if kept[0] != digest:
        raise RollbookError(
            Reason.REQUEST_ID_REUSED,
            "This request_id was used with another request; take a new one.",
        )
    return kind.FromString(kept[1])


def _canonical(request_id: str) -> str:
    try:
        return str(uuid.UUID(request_id))
    except ValueError:
        raise RollbookError(
            Reason.REQUEST_ID_INVALID, "request_id must be a UUID, or be left out."
        ) from None


def _digest(request: Mutation) -> bytes:
    """Give a digest of method and body; deterministic within one version of protobuf."""
    name: bytes = request.DESCRIPTOR.full_name.encode()
    body: Any = type(request).FromString(request.SerializeToString())
    body.ClearField("request_id")  # one UUID can be spelled in several ways
    return hashlib.sha256(name + b"\0" + body.SerializeToString(deterministic=True)).digest()
