"""In which runs of numbers the devices of profiles lie.

An index on the profile of devices would take in every new row of an upload, which is a
fifth of the time that PostgreSQL takes for it. Numbers rise with the rows, so that a batch
is one run, and those of an upload that nobody comes between are one together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollbook_server.storage.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollbook_server.storage.engine import RollDatabase

# The devices of a profile, in no order: PostgreSQL would sort all of them for it. `$THEN`
# makes SQLite go along the runs.
OF_PROFILE = """profile_ranges r
    $THEN devices d ON d.id BETWEEN r.first_id AND r.last_id AND d.profile = r.profile"""

# Numbers between two runs that are gone along with them, for a query costs about as much.
_NEAR = 1_000
_AT_ONCE = 1_000  # runs that are read by one query

# Those of the devices that lie in no run of their profile, in as few as there can be.
_COVER = """
INSERT INTO profile_ranges (profile, first_id, last_id)
SELECT profile, min(id), max(id) FROM (
    SELECT d.profile, d.id, d.id - row_number() OVER (PARTITION BY d.profile ORDER BY d.id) AS run
    FROM devices d WHERE d.id IN (%s) AND d.id > coalesce((
        SELECT last_id FROM profile_ranges r
        WHERE r.profile = d.profile AND r.first_id <= d.id ORDER BY r.first_id DESC LIMIT 1
    ), -1)
) strays GROUP BY profile, run
"""
_BEHIND = f"""
SELECT first_id, last_id FROM profile_ranges WHERE profile = ? AND last_id > ?
ORDER BY first_id LIMIT {_AT_ONCE}
"""
_FIRST = "SELECT first_id, last_id FROM profile_ranges WHERE profile = ? ORDER BY first_id LIMIT 1"
_EMPTY = "DELETE FROM devices WHERE profile = ? AND id BETWEEN ? AND ?"


class ProfileRanges:
    """The runs as one transaction sees them; profiles are given by their keys.

    Every device lies in a run of its profile, and no two runs of a profile overlap.
    """

    def __init__(self, database: RollDatabase) -> None:
        self._database, self._runs = database, Runs(database, "profile_ranges", "profile")

    def add(self, profile: int, first: int, last: int) -> None:
        """Take in new numbers, which are above all others."""
        self._runs.add(profile, first, last)

    def cover(self, numbers: Iterable[int | None]) -> None:
        """Take in devices that may have come from another profile."""
        self.cover_those("$NUMBERS", json.dumps(list(numbers)))

    def cover_those(self, query: str, *parameters: Any) -> None:
        """Take in devices whose numbers a query gives."""
        self._database.hand_over(_COVER % query, parameters)

    def walks(self, profile: int, after: int) -> Iterator[tuple[int, int]]:
        """Give from where to where devices behind a number lie, in order.

        Those of other profiles lie there, too: such as came between, or went to one.
        """
        walk: tuple[int, int] | None = None
        for first, last in self._behind(profile, after):
            if walk is not None and first - walk[1] <= _NEAR:
                walk = (walk[0], last)
                continue
            if walk is not None:
                yield walk
            walk = (max(first, after + 1), last)
        if walk is not None:
            yield walk

    def _behind(self, profile: int, after: int) -> Iterator[tuple[int, int]]:
        while found := self._database.execute_sql(_BEHIND, (profile, after)).fetchall():
            yield from found
            after = found[-1][1]

    def remove_piece(self, profile: int, limit: int) -> bool:
        """Remove the devices of the first `limit` numbers at most; False if there are none."""
        found = self._database.execute_sql(_FIRST, (profile,)).fetchone()
        if found is None:
            return False
        first, last = found
        end = self._runs.cut(profile, first, last, limit)
        self._database.execute_sql(_EMPTY, (profile, first, end))
        return True
