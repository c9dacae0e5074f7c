"""Seals anew what older keys sealed, piece by piece, while everybody is served.

Whatever is sealed, is sealed in work of the one writer. So once a new key was put to use
in such work, nothing more is sealed with an older one, and one walk along all there is
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.ports import AnswerSealer, Sealer

if TYPE_CHECKING:
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.tokens import Token

TOKENS_AT_ONCE = 200
ANSWERS_AT_ONCE = 20  # one may have 4 MiB
_RETRY_SECONDS = 5


class Sealers(Sealer, AnswerSealer, Protocol):
    """Seals all there is to seal, with the newest of its keys."""

    @property
    def mark(self) -> bytes:
        """With what everything begins that is sealed with the newest key, and nothing else."""


class _Done(NamedTuple):
    """Where a piece ended, and how many were sealed anew in it."""

    last: str
    resealed: int


_Piece = Callable[[str, "Roll"], "_Done | None"]
_Write = Callable[[Callable[["Roll"], "_Done | None"]], "_Done | None"]


def count_old(roll: Roll, sealers: Sealers) -> int:
    """Give how many tokens and answers older keys sealed."""
    answers = roll.answers.count_sealed_otherwise(sealers.mark)
    return roll.tokens.count_sealed_otherwise(sealers.mark) + answers


def reseal(
    store: Store, sealers: Sealers, told: Callable[[int], None], goes_on: Callable[[], bool]
) -> int:
    """Seal tokens and answers anew that older keys sealed; gives how many.

    `told` gets how many there are so far, and `goes_on` is asked before each piece. May be
    interrupted at any instant and begun again. Raises RollbookError with STORE_FULL or
    SERVER_STOPPING.
    """

    def write(piece: Callable[[Roll], _Done | None]) -> _Done | None:
        if not goes_on():
            raise _stopping()
        return store.write(piece, is_bulk=True)

    tokens = _walk(write, partial(_tokens, sealers), told)
    return tokens + _walk(write, partial(_answers, sealers), lambda answers: told(tokens + answers))


def _walk(write: _Write, piece: _Piece, told: Callable[[int], None]) -> int:
    last, count = "", 0
    while True:
        done = write(partial(piece, last))
        if done is None:
            return count
        last, count = done.last, count + done.resealed
        told(count)


def _tokens(sealers: Sealers, after: str, roll: Roll) -> _Done | None:
    found = roll.tokens.sealed_otherwise(sealers.mark, after=after, limit=TOKENS_AT_ONCE)
    count = sum(_reseal_token(roll, sealers, token) for token in found)
    return _Done(found[-1].token_id, count) if found else None


def _reseal_token(roll: Roll, sealers: Sealers, token: Token) -> bool:
    """Seal a token anew; one that does not open, for its key is missing, stays as it is."""
    ids = {"token_id": token.token_id, "profile_id": token.profile_id}
    try:
        value = sealers.unseal(token.sealed_value, **ids)
    except RollbookError:
        return False
    roll.tokens.reseal(token.token_id, sealers.seal(value, **ids))
    return True


def _answers(sealers: Sealers, after: str, roll: Roll) -> _Done | None:
    found = roll.answers.sealed_otherwise(sealers.mark, after=after, limit=ANSWERS_AT_ONCE)
    count = sum(_reseal_answer(roll, sealers, *answer) for answer in found)
    return _Done(found[-1][0], count) if found else None


def _reseal_answer(
    roll: Roll, sealers: Sealers, request_id: str, digest: bytes, sealed: bytes
) -> bool:
    try:
        answer = sealers.unseal_answer(sealed, request_id=request_id, digest=digest)
    except RollbookError:
        return False
    again = sealers.seal_answer(answer, request_id=request_id, digest=digest)
    roll.answers.reseal(request_id, again)
    return True


def _stopping() -> RollbookError:
    return RollbookError(
        Reason.SERVER_STOPPING,
        "The server is shutting down; the rotation goes on when it is back. Every token can be "
        "read.",
    ).retry_after(_RETRY_SECONDS)
