"""Keeps what servers on one database count of guesses the same.

A wrong guess is told in the transaction that refuses it, and whoever refuses hears what all
others told before: transactions come one after another, so no more wrong guesses are answered
than one server alone would answer. Who is right costs no statement: what is known of them is
what was heard with the last wrong guess here, or once a second.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rollbook_server.domain.errors import RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rollbook_server.domain.guessing import Guesses
    from rollbook_server.domain.ports import Roll, Store

EVERY_SECONDS = 1.0


class GuessExchange:
    """Hears and tells for one server's guesses. Thread-safe."""

    def __init__(self, guesses: Guesses) -> None:
        self._guesses = guesses

    def hear(self, roll: Roll) -> None:
        """Count what servers told since the last time."""
        self._guesses.hear(roll.guesses.news(self._guesses.heard_to))

    def tell(self, roll: Roll, now: datetime) -> None:
        """Tell the others, in a transaction that heard, what they do not know yet."""
        roll.guesses.tell(self._guesses.server, self._guesses.untold(), now)

    def keep_up(self, store: Store, now: datetime, _: Callable[[], bool] = bool) -> None:
        """Hear, and tell how many devices took their place where others guessed wrong.

        A database that is away is heard later: of that the server tells elsewhere.
        """
        with suppress(RollbookError):
            store.read(self.hear)
            if self._guesses.has_owed():
                store.write(lambda roll: self._tell_owed(roll, now))

    def _tell_owed(self, roll: Roll, now: datetime) -> None:
        self.hear(roll)
        self.tell(roll, now)
