"""Performs mutations, and gives the stored answer to one that comes again with its request_id."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from google.protobuf.message import Message

    from rollbook_server.domain.clock import Clock
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


class Answers:
    """Does the work of mutations, once for each request_id.

    `digest` is a keyed one: requests hold passwords, which nobody who has the
    database alone may try out.
    """

    def __init__(self, store: Store, clock: Clock, digest: Callable[[str], bytes]) -> None:
        self._store, self._clock, self._digest_of = store, clock, digest

    def once(self, request: Mutation, kind: type[M], work: Callable[[Roll, datetime], M]) -> M:
        """Do the work in one transaction and give its answer, which is of this kind.

        The answer is kept in the transaction of the work itself. Raises RollbookError
        with REQUEST_ID_INVALID, or REQUEST_ID_REUSED if the id came with another
        request.
        """
        now = self._clock()
        if not request.request_id:
            return self._store.write(lambda roll: work(roll, now))
        name, digest = _canonical(request.request_id), self._digest(request)

        def once(roll: Roll) -> M:
            kept = roll.answers.recall(name, now)
            if kept is not None:
                return _again(kept, digest, kind)
            answer = work(roll, now)
            roll.answers.keep(name, digest, answer.SerializeToString(), now)
            return answer

        return self._store.write(once)

    def _digest(self, request: Mutation) -> bytes:
        """Give a digest of method and body; deterministic within one version of protobuf."""
        body: Any = type(request).FromString(request.SerializeToString())
        body.ClearField("request_id")  # one UUID can be spelled in several ways
        content: bytes = body.SerializeToString(deterministic=True)
        # No token value has a colon, so no digest of one is ever the same.
        return self._digest_of(f"request:{request.DESCRIPTOR.full_name}:{content.hex()}")


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
