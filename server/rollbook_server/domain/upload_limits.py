"""How much an upload may hold, and how much of it goes into one transaction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How many rows an upload may have, and how much goes into one transaction.

    A transaction is closed at so many rows (a bad one counts as two) or bytes, whichever
    comes first; it holds more only by what came in one piece. The shared ones are for
    as long as others write, too: they wait for the transaction to end.
    """

    max_rows: int = 200_000  # the seed: "Allows up to 200000 rows at a time"
    batch_rows: int | None = None  # as many as the store likes
    shared_batch_rows: int = 500  # with what one piece brings, about the time of two commits
    judged_batch_rows: int = 2_000  # where each row is judged by itself: bounds memory
    shared_judged_rows: int = 100
    batch_bytes: int = 4 * 1024 * 1024  # rows may be long: bounds memory and the statement
