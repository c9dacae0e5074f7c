"""The one thread that writes: takes the work that waits and commits it together.

Group commit: a commit to disk costs the same for one change as for hundreds, so
everybody who waits shares it. Every piece of work has a savepoint of its own, so
that an error undoes it alone; those who ask for the same work share one, or the whole
transaction, and only if that fails each has its own. Who is alone needs none.

Work is answered once it is durable, first come first served; but bulk work, which takes as
long as hundreds of enrollments, waits in a line of its own and takes turns with all others:
nobody waits for more than one piece of it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from itertools import groupby
from math import inf
from operator import attrgetter
from random import SystemRandom
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.storage.commit_delay import CommitDelay
from rollbook_server.storage.engine import LateError
from rollbook_server.storage.faults import translated
from rollbook_server.storage.work import UndoneError, Work, answers_of, fail, is_refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from rollbook_server.domain.ports import Roll
    from rollbook_server.storage.engine import Answers, RollDatabase, WritingSide

T = TypeVar("T")
A = TypeVar("A")

Told = Callable[[bool, int, float], None]
"""Is told of a commit: whether it was bulk work, how many pieces, the seconds until durable."""

GROUP_LIMIT = 512  # pieces in one commit: bounds how long the first waits for the last

# Without work for so long, the writer takes the log into the database file: copying it
# in the middle of an upload would keep everybody waiting for as long as the upload's own
# rows take. Where there is always work, SQLite does it (`wal_autocheckpoint`).
IDLE_SECONDS = 0.1

# While others share the writer with bulk work, so many pieces of that are in the log (some
# 5 MiB, with theirs) when it goes into the file: in one piece of 64 MiB it would keep them
# waiting 20 ms, ten times as long as a piece of bulk work does.
SHARED_TURNS = 16

# So many groups of small work within so long: others share the writer with bulk work. Or some
# waited at the end of so many pieces of that in a row: while they take long, few come.
SHARED_GROUPS, SHARED_SECONDS = 10, 1.0
KEPT_WAITING = 3

# Seconds, more or less, before work is tried again that met a transaction of somebody else.
_PAUSES = (0.02, 0.1, 0.5)
_CHANCE = SystemRandom()  # so that servers do not meet the same again

# Nothing that is committed takes so long, with waiting for one's turn, unless the database hangs.
STUCK_SECONDS = 15.0


class Writer:
    """Owns the writing connection: nothing else may write through it.

    A group is answered once it is durable: small work in the writer's own time, in which
    more gathers for the next group; bulk work beside it, if the engine can, so that the next
    can begin.

    It `is_in_doubt` whether the database takes writes from one that failed for that until one
    succeeds.

    Each transaction is made `within` a block, which may write at its end; `attempt` does work,
    and what it noted for that block is forgotten if it fails. `committed` is called when the
    last such block is.
    """

    def __init__(  # noqa: PLR0913 - a connection, and what goes on around its transactions
        self,
        engine: WritingSide,
        database: RollDatabase,
        roll: Roll,
        *,
        within: Callable[[], AbstractContextManager[None]],
        attempt: Callable[[Callable[[], Any]], Any],
        committed: Callable[[], None],
    ) -> None:
        self._engine, self._database, self._roll = engine, database, roll
        self._within, self._attempt, self._committed = within, attempt, committed
        self._small: deque[Work] = deque()
        self._bulk: deque[Work] = deque()
        self._waiting, self._delay = threading.Condition(), CommitDelay()
        self._closed = self._was_small = False
        self._shared_turns = 0  # of bulk work, since the log went into the file
        self.is_in_doubt = False
        self._told: Told | None = None
        self._begun = inf
        self._small_times = deque([-inf] * SHARED_GROUPS, maxlen=SHARED_GROUPS)
        self._kept_waiting = 0  # how many pieces of bulk work in a row
        self._thread = threading.Thread(target=self._run, name="rollbook-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Roll], T], *, is_bulk: bool = False) -> Future[T]:
        """Queue work; the future holds its result once it is durable."""
        return self._queue(lambda roll, _: [work(roll)], None, is_bulk=is_bulk)

    def submit_together(
        self, work: Callable[[Roll, Sequence[A]], Sequence[T]], argument: A
    ) -> Future[T]:
        """Queue an argument for work that others may queue theirs for."""
        return self._queue(work, argument, is_bulk=False)

    def _queue(
        self,
        work: Callable[[Roll, Sequence[Any]], Sequence[Any]],
        argument: Any,
        *,
        is_bulk: bool,
    ) -> Future[Any]:
        queued = Work(work, argument, Future())
        with self._waiting:
            if self._closed:
                raise RollbookError(
                    Reason.SERVER_STOPPING, "The server is shutting down; try again soon."
                ).retry_after(5)
            (self._bulk if is_bulk else self._small).append(queued)
            self._waiting.notify()
        return queued.future

    def is_shared(self) -> bool:
        """Tell whether work that is not bulk comes again and again, or waits for bulk work."""
        is_often = monotonic() - self._small_times[0] < SHARED_SECONDS
        return is_often or self._kept_waiting >= KEPT_WAITING

    def queued(self) -> tuple[int, int]:
        """Give how many pieces of work wait: small ones, and bulk."""
        return len(self._small), len(self._bulk)

    def watch(self, told: Told) -> None:
        """Tell of every commit from now on; `told` is called while others wait, so be quick."""
        self._told = told

    def is_stuck(self) -> bool:
        """Tell whether a commit is under way that should have come to an end long ago."""
        return monotonic() - self._begun > STUCK_SECONDS

    def close(self) -> None:
        """Do the work that is queued and end the thread."""
        with self._waiting:
            self._closed = True
            self._waiting.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._take():
            self._begun = monotonic()
            self._commit(group)
            self._begun = inf
            self._rest_in_turn()

    def _rest_in_turn(self) -> None:
        """Take the log into the file in the place of bulk work, when that is due."""
        if not self._was_small:
            self._kept_waiting = self._kept_waiting + 1 if self._small else 0
            self._shared_turns += self.is_shared()
        elif self._shared_turns >= SHARED_TURNS:
            self._engine.rest()
            self._shared_turns, self._was_small = 0, False

    def _take(self) -> list[Work]:
        """Wait for work, then take what is to be committed together; nothing at the end."""
        if not self._has_work(IDLE_SECONDS):
            self._engine.rest()
            self._has_work(None)
        if not self._bulk:
            self._delay.gather(self._small, GROUP_LIMIT)
        with self._waiting:
            if self._small and not (self._bulk and self._was_small):
                self._was_small = True
                self._small_times.append(monotonic())
                return [self._small.popleft() for _ in range(min(len(self._small), GROUP_LIMIT))]
            self._was_small = False
            return [self._bulk.popleft()] if self._bulk else []

    def _has_work(self, seconds: float | None) -> bool:
        """Wait until there is work, or none will come any more."""
        with self._waiting:
            return bool(
                self._waiting.wait_for(lambda: self._small or self._bulk or self._closed, seconds)
            )

    def _commit(self, group: list[Work]) -> None:
        begin = monotonic()
        try:
            done = self._done(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, each waiter must hear of it
            self.is_in_doubt |= is_refusal(translated(error))
            fail(group, error)
            return
        self._committed()
        self.is_in_doubt = any(is_refusal(result) for _, result in done)
        if self._told is not None:
            self._tell(self._told, done, begin)
        self._engine.answer(done, beside=not self._was_small)

    def _done(self, group: list[Work]) -> Answers:
        """Do all work; again, a few times, if that met a transaction of somebody else."""
        for pause in _PAUSES:
            try:
                return self._once(group)
            except Exception as error:
                if not self._engine.is_clash(error):
                    raise
            sleep(pause * _CHANCE.uniform(0.5, 1.5))
        return self._once(group)

    def _once(self, group: list[Work]) -> Answers:
        parts = [list(alike) for _, alike in groupby(group, key=attrgetter("together"))]
        return self._whole(group) if len(parts) == 1 else self._parts(parts)

    def _whole(self, works: list[Work]) -> Answers:
        """Do what all ask for in a transaction of its own, which needs no savepoint."""
        try:
            with self._engine.transaction(), self._within():
                return answers_of(works, self._results(works))
        except UndoneError as error:
            if len(works) == 1:
                return [(works[0].future, translated(error.cause))]
            return self._parts([[work] for work in works])
        except LateError:
            return self._parts([[work] for work in works])

    def _parts(self, parts: list[list[Work]]) -> Answers:
        """Do several kinds of work in one transaction, each in a savepoint."""
        done: list[tuple[Future[Any], Any]] = []
        with self._engine.transaction(), self._within():
            for works in parts:
                self._perform(works, done)
        return done

    def _tell(self, told: Told, done: Answers, begin: float) -> None:
        """Tell of a commit once its last piece is answered: then it is durable."""
        is_bulk, pieces = not self._was_small, len(done)
        last, _ = done[-1]
        last.add_done_callback(lambda _: told(is_bulk, pieces, monotonic() - begin))

    def _perform(self, works: list[Work], done: list[tuple[Future[Any], Any]]) -> None:
        """Do the same work for all who asked for it; if that fails, for each alone."""
        try:
            results = self._in_savepoint(works)
        except UndoneError as error:
            if len(works) == 1:
                # Answered with the others: what it met may not be on the disk yet.
                done.append((works[0].future, translated(error.cause)))
                return
            for work in works:
                self._perform([work], done)
        else:
            done += answers_of(works, results)

    def _in_savepoint(self, works: list[Work]) -> Sequence[Any]:
        """Run work, or raise UndoneError.

        peewee's own savepoint would fail a second time where the engine has given
        the whole transaction up, as it does on a full disk, and hide the cause.
        """
        self._database.execute_sql("SAVEPOINT work")
        try:
            results = self._results(works, self._database.settle)
        except UndoneError:
            self._database.forget()
            self._database.execute_sql("ROLLBACK TO work")
            self._database.execute_sql("RELEASE work")
            raise
        self._database.hand_over("RELEASE work")  # with the next savepoint, or COMMIT
        return results

    def _results(
        self, works: list[Work], settle: Callable[[], None] = lambda: None
    ) -> Sequence[Any]:
        """Run work, and `settle` it; raise UndoneError if all but it may go on."""
        arguments = [work.argument for work in works]

        def work() -> Sequence[Any]:
            done = works[0].together(self._roll, arguments)
            settle()
            return done

        try:
            results: Sequence[Any] = self._attempt(work)
        except Exception as error:
            if self._engine.is_given_up() or self._engine.is_clash(error):
                raise
            raise UndoneError(error) from error
        return results
