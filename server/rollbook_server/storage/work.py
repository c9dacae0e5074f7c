"""Work for the one thread that writes, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.storage.faults import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.engine import Answers

_REFUSALS = (Reason.STORE_FULL, Reason.STORE_UNAVAILABLE)


class Work(NamedTuple):
    """Work of one caller: on its own argument, and on those of others with the same work."""

    together: Callable[[Roll, Sequence[Any]], Sequence[Any]]
    argument: Any
    future: Future[Any]


class UndoneError(Exception):
    """Work failed, and nothing of it is to be left in the transaction."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause


def is_refusal(result: object) -> bool:
    """Tell whether the database took a write not for what it was, but takes none."""
    return isinstance(result, RollbookError) and result.reason in _REFUSALS


def answers_of(works: list[Work], results: Sequence[Any]) -> Answers:
    """Give each of the works its result."""
    return list(zip((work.future for work in works), results, strict=True))


def fail(group: list[Work], error: BaseException) -> None:
    """Tell whoever waits and was not answered."""
    for work in group:
        if not work.future.done():
            work.future.set_exception(translated(error))
