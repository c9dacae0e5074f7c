"""The batches of an upload on their way into the store: few at once, and how large they are.

While the store commits one batch and the next waits for its turn, a third is read and judged;
never more than these three are held. Where the store takes longer than that, the third is
begun once the first is durable: it is ready in time, and two are held. If a batch fails, the
one behind it finds that the upload does not stand where it goes on, and fails, too.
"""

from __future__ import annotations

from collections import deque
from concurrent import futures
from typing import TYPE_CHECKING

from rollbook_server.domain import batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from rollbook_server.domain.batches import Batch
    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Store
    from rollbook_server.domain.upload_limits import UploadLimits
    from rollbook_server.domain.uploads import Counts, Upload

UNDER_WAY = 2  # batches handed over and not yet durable: the writer never waits for us
FIRST_ROWS = 1_500  # in the first batch, for which it does
GROWTH = 3  # of a batch over the one before, while which it is read and judged


class BatchesUnderWay:
    """Those of one upload stream. Not thread-safe: belongs to the stream's thread.

    `told` hears what each batch added to the counts once it is durable.
    """

    def __init__(
        self, store: Store, clock: Clock, limits: UploadLimits, told: Callable[[Counts], None]
    ) -> None:
        self._store, self._clock, self._limits, self._told = store, clock, limits, told
        self._committing: deque[Future[Counts]] = deque()
        self._last_rows = 0  # in the batch that was handed over last

    def rows(self, *, judged: bool) -> int:
        """Give how many rows the next batch holds: few if others write meanwhile.

        And if they are judged one by one, which takes several times as long.
        """
        limits = self._limits
        most = limits.batch_rows or self._store.batch_rows
        if judged:
            most = min(most, limits.judged_batch_rows)
        if self._store.is_shared():
            return min(most, limits.shared_judged_rows if judged else limits.shared_batch_rows)
        grown = GROWTH * self._last_rows if self._committing else 0
        return min(most, max(FIRST_ROWS, grown))

    def hand_over(self, upload: Upload, batch: Batch, rows: int) -> None:
        """Give a batch of so many rows to the store once all but the last are durable.

        Where the store is what is waited for, wait for that again before more is read.
        """
        self.wait(but=UNDER_WAY - 1)
        self._last_rows, now = rows, self._clock()
        self._committing.append(
            self._store.submit(lambda roll: batches.commit(roll, upload, batch, now), is_bulk=True)
        )
        if self._store.is_slower_than_reading:
            self.wait(but=UNDER_WAY - 1)

    def wait(self, *, but: int = 0) -> None:
        """Wait until so many at most are under way; raises what one failed with, and none is."""
        try:
            while len(self._committing) > but:
                self._told(self._committing.popleft().result())
        except BaseException:
            futures.wait(self._committing)
            self._committing.clear()
            raise
