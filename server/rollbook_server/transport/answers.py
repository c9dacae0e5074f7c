"""Performs mutations, and gives the stored answer to one that comes again with its request_id."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rollbook_server.domain.answers import KEPT
from rollbook_server.domain.errors import Reason, RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from google.protobuf.message import Message

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import AnswerSealer, Roll, Store

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

    Requests and answers hold passwords: nobody who has the database alone may read
    those, or try them out.
    """

    def __init__(self, store: Store, clock: Clock, sealer: AnswerSealer) -> None:
        self._store, self._clock, self._sealer = store, clock, sealer

    def once(self, request: Mutation, kind: type[M], work: Callable[[Roll, datetime], M]) -> M:
        """Do the work in one transaction and give its answer, which is of this kind.

        The answer is kept in the transaction of the work itself. Raises RollbookError
        with REQUEST_ID_INVALID, REQUEST_ID_REUSED if the id came with another request,
        or ANSWER_UNREADABLE.
        """
        now = self._clock()
        if not request.request_id:
            return self._store.write(lambda roll: work(roll, now))
        name, digest = _canonical(request.request_id), self._digest(request)

        def once(roll: Roll) -> M:
            kept = roll.answers.recall(name, now - KEPT)
            if kept is not None:
                return kind.FromString(self._again(name, digest, kept))
            answer = work(roll, now)
            roll.answers.keep(name, digest, self._sealed(name, digest, answer), now)
            return answer

        return self._store.write(once)

    def _sealed(self, request_id: str, digest: bytes, answer: Message) -> bytes:
        plain = answer.SerializeToString()
        return self._sealer.seal_answer(plain, request_id=request_id, digest=digest)

    def _again(self, request_id: str, digest: bytes, kept: tuple[bytes, bytes]) -> bytes:
        before, sealed = kept
        if before != digest:
            raise RollbookError(
                Reason.REQUEST_ID_REUSED,
                "This request_id was used with another request; take a new one.",
            )
        return self._sealer.unseal_answer(sealed, request_id=request_id, digest=digest)

    def _digest(self, request: Mutation) -> bytes:
        """Give a digest of method and body; deterministic within one version of protobuf."""
        body: Any = type(request).FromString(request.SerializeToString())
        body.ClearField("request_id")  # one UUID can be spelled in several ways
        content: bytes = body.SerializeToString(deterministic=True)
        # No token value has a colon, so no digest of one is ever the same.
        return self._sealer.digest(f"request:{request.DESCRIPTOR.full_name}:{content.hex()}")


def _canonical(request_id: str) -> str:
    try:
        return str(uuid.UUID(request_id))
    except ValueError:
        raise RollbookError(
            Reason.REQUEST_ID_INVALID, "request_id must be a UUID, or be left out."
        ) from None
