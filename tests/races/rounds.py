"""Lets many threads enroll the same device at once, while others change its token or its row."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Condition
from typing import TYPE_CHECKING, Any, NamedTuple

from races.model import DONE, Answer
from rollbook import RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from races.model import Asked
    from rollbook import Enrollment, EnrollmentAgent

THREADS = 64
TURNS = 2  # calls of each thread: who is told something again must not be told what was before


class Span(NamedTuple):
    """A call and its answer; the server did it at some instant in between."""

    begun: float
    ended: float
    answered: Any


class Round:
    """All calls of one round, begun together; changes wait until `head_start` devices know."""

    def __init__(
        self, agents: Sequence[EnrollmentAgent], asked: Asked, token: str, head_start: int
    ) -> None:
        self._agents, self._asked, self._token = agents, asked, token
        self._head_start, self._told = head_start, 0
        self._one_more = Condition()

    def play(
        self, request_ids: Sequence[str], changes: Sequence[Callable[[], Any]]
    ) -> tuple[list[tuple[str, Span]], list[Span]]:
        """Make a call for each request_id in as many threads as may be, and every change.

        Gives both, the enrollments with their request_ids.
        """
        self._everybody = Barrier(THREADS + len(changes))
        with ThreadPoolExecutor(self._everybody.parties) as threads:
            mine = [request_ids[place::THREADS] for place in range(THREADS)]
            enrolling = [threads.submit(self._take_turns, *each) for each in enumerate(mine)]
            changing = [threads.submit(self._change, each) for each in changes]
        enrolled = [span for each in enrolling for span in each.result()]
        return enrolled, [each.result() for each in changing]

    def _take_turns(self, place: int, request_ids: Sequence[str]) -> list[tuple[str, Span]]:
        agent = self._agents[place % len(self._agents)]
        self._everybody.wait()
        return [(each, self._enroll(agent, each)) for each in request_ids]

    def _enroll(self, agent: EnrollmentAgent, request_id: str) -> Span:
        imeis = [self._asked.imei]
        begun = time.perf_counter()
        try:
            told = agent.enroll_device(token=self._token, imeis=imeis, request_id=request_id)
        finally:
            self._count()
        return Span(begun, time.perf_counter(), _answer(told))

    def _count(self) -> None:
        with self._one_more:
            self._told += 1
            self._one_more.notify_all()

    def _change(self, change: Callable[[], Any]) -> Span:
        self._everybody.wait()
        with self._one_more:
            self._one_more.wait_for(lambda: self._told >= self._head_start)
        begun = time.perf_counter()
        answered = _done(change)
        return Span(begun, time.perf_counter(), answered)


def has_an_instant(change: Span, before: Sequence[Span], after: Sequence[Span]) -> bool:
    """Tell whether all of `before` can have been done before the change, `after` behind it."""
    earliest = max([change.begun, *(call.begun for call in before)])
    latest = min([change.ended, *(call.ended for call in after)])
    return earliest <= latest


def _answer(enrollment: Enrollment) -> Answer:
    shelf = enrollment.attributes.get("shelf", "")
    return Answer(enrollment.outcome, enrollment.device_id, shelf)


def _done(change: Callable[[], Any]) -> tuple[str, Any]:
    """Give DONE and what the change gives, or the reason for which it was refused."""
    try:
        return DONE, change()
    except RollbookError as error:
        return error.reason, None
