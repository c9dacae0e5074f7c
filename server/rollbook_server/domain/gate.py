"""Stands between strangers and the roll: counts what fails, tells it, and lets guessers wait.

Whoever has to wait gets an error with the time to come back, and no outcome: nothing was
decided. It is the same whatever the device, token or password would have been worth.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain import callers
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.guess_exchange import GuessExchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rollbook_server.domain.guessing import Alarm, Attempt, Door, Guesses, Mark
    from rollbook_server.domain.matching import Presented
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.witness import About, Witness

_MINUTE = 60  # seconds


class Asked(NamedTuple):
    """What a device or user asks for, what they guess by it, and as who they present themselves."""

    about: About
    attempts: tuple[Attempt, ...]
    presented: Presented
    user_name: str = ""


class Gate:
    """Judges by the address of `callers.current`. Thread-safe."""

    def __init__(self, witness: Witness, guesses: Guesses) -> None:
        self._witness, self._guesses = witness, guesses
        self.exchange = GuessExchange(guesses)

    @property
    def mark(self) -> Mark:
        """Give what guesses are known by."""
        return self._guesses.mark

    def check(self, store: Store, asked: Asked) -> None:
        """Turn guessers away before anything is looked up for them.

        Raises RollbookError with TOO_MANY_ATTEMPTS, or what a store raises: the first of
        them in a period is told in a transaction, the others are counted.
        """
        seconds = self.wait(asked)
        if not seconds:
            return
        if self._guesses.has_alarms(asked.attempts, callers.current().source, asked.about.now):
            with self.telling():
                store.write(lambda roll: self.held(roll, asked))
        else:
            self._witness.held(asked.about, _HELD)
        raise too_many(seconds)

    def wait(self, asked: Asked) -> float:
        """Give the seconds until the caller may guess this; 0 if that is now."""
        return self._guesses.wait(asked.attempts, callers.current().source, asked.about.now)

    def hear(self, roll: Roll) -> None:
        """Let `wait` know all that other servers counted; a statement, so for refusals only."""
        self.exchange.hear(roll)

    def held(self, roll: Roll, asked: Asked) -> None:
        """Tell that the caller has to wait."""
        self.hear(roll)
        self._tell(roll, asked, _HELD, self._alarms(asked))

    def count(self, roll: Roll, asked: Asked) -> None:
        """Count what was wrong, if anything was guessed, in a call that is told already."""
        if any(each.marks for each in asked.attempts):
            self._raise(roll, asked, self._failed(asked))

    def failed(self, roll: Roll, asked: Asked, reason: str) -> None:
        """Count what was wrong, and tell it with the true reason."""
        self.hear(roll)
        self._tell(roll, asked, reason, self._failed(asked))

    def registered(self, roll: Roll, about: About, rule: str, *, is_again: bool) -> None:
        """Tell that a device took its place, or `is_again` that it had it already."""
        self._witness.registered(roll, about, rule, is_again=is_again)

    def gained(self, door: Door, now: datetime) -> None:
        """Count for the caller's address a device that took its place for the first time."""
        self._guesses.gained(door, callers.current().source, now)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raise alarms once more that were told in a transaction which failed."""
        try:
            yield
        except BaseException:
            self._guesses.tell_again()
            raise

    def _failed(self, asked: Asked) -> Sequence[Alarm]:
        return self._guesses.failed(asked.attempts, callers.current().source, asked.about.now)

    def _alarms(self, asked: Asked) -> Sequence[Alarm]:
        return self._guesses.alarms(asked.attempts, callers.current().source, asked.about.now)

    def _tell(self, roll: Roll, asked: Asked, reason: str, alarms: Sequence[Alarm]) -> None:
        self._witness.refused(roll, asked.about, reason, asked.presented, asked.user_name)
        self._raise(roll, asked, alarms)

    def _raise(self, roll: Roll, asked: Asked, alarms: Sequence[Alarm]) -> None:
        """Raise alarms, and tell the other servers of them and of what was counted."""
        for alarm in alarms:
            self._witness.alarmed(roll, asked.about, alarm)
        self.exchange.tell(roll, asked.about.now)


_HELD = Reason.TOO_MANY_ATTEMPTS


def too_many(seconds: float) -> RollbookError:
    """Give the error that tells a guesser when to come back."""
    minutes = ceil(seconds / _MINUTE)
    return RollbookError(
        Reason.TOO_MANY_ATTEMPTS,
        "From this address or the ones beside it came too many wrong tokens, devices or "
        f"passwords; nothing was decided. Call again in {minutes} min., or from another "
        "network; whoever runs the server finds the alarm in its audit log.",
        minutes=minutes,
    ).retry_after(seconds)
