"""The way of an upload to its end, once its client has finished it: many short transactions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from rollbook_server.domain import uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.uploads import Upload

T = TypeVar("T")

# Rows a step, for whose end others that write wait; fewer where each is judged by itself.
ALONE, SHARED, SHARED_JUDGED = 2_000, 500, 100


@dataclass(frozen=True, slots=True)
class Ending:
    """An upload whose rows are all taken in, and what every step to its end needs.

    `headers` says how the uploader calls our fields; `now` is the instant of all that is
    written. Every method raises RollbookError as `uploads.check_held` does, and then
    leaves what was done by the steps before.
    """

    store: Store
    upload: Upload
    headers: Mapping[str, str]
    now: datetime

    @property
    def upload_id(self) -> str:
        """The name of the upload."""
        return self.upload.upload_id

    def step(self, work: Callable[[Roll], T]) -> T:
        """Run work in a transaction of its own, and give its result."""

        def held(roll: Roll) -> T:
            uploads.check_held(roll, self.upload)
            return work(roll)

        return self.store.write(held, is_bulk=True)

    def repeat(self, work: Callable[[Roll], bool]) -> None:
        """Run work until there is no more."""
        while self.step(work):
            pass

    def staged(self, *, after: int = 0) -> Iterator[Sequence[DeviceRow]]:
        """Give the staged rows behind row `after`, piece by piece."""
        while rows := self.store.read(partial(self._staged, after)):
            yield rows
            after = rows[-1].row

    def _staged(self, after: int, roll: Roll) -> Sequence[DeviceRow]:
        uploads.check_held(roll, self.upload)
        return roll.uploads.staged(self.upload_id, after=after, limit=self.piece_rows())

    def piece_rows(self) -> int:
        """Give how many rows the next step may hold: few if others write meanwhile."""
        if not self.store.is_shared():
            return ALONE
        return SHARED if self.upload.options.goes_in_as_set else SHARED_JUDGED
