"""How much may be guessed before an address has to wait, and what the figures mean.

A token has 128 random bits: no limit is needed to keep it, only to hear of who tries, and
a right one opens its profile from whatever address. Identifiers and passwords can be
guessed. The IMEIs of one model are 10^6; with d devices of it on the roll of a tokenless
profile, k guesses register k*d/10^6 of them that are not the caller's: with the 30 guesses
an hour of the default and 1,000 devices, one in 33 hours. Whoever has n networks at hand
gets n times as much until all together are over their limit, then a fifth of that.

Who is right about IMEI and serial number passes beyond that limit. Neither is a secret:
in a lot both follow each other, so that of 10^3 of each a device is one of 10^6 pairs, and
a server answers those in an hour. So they have a limit as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

OF_ALL = 20  # times what one address has: for all addresses together
STRICT = 5  # once all together are over it, an address has a fifth
NETWORK = 8  # times what one address has: for the addresses beside it, which are cheap
PAIRS = 5  # times what an address has of devices: for IMEI and serial number together
GAIN = 4  # devices that take their place from an address earn it one more wrong guess

PERIOD = timedelta(hours=1)
KEPT = 2 * PERIOD  # in the database: for whoever comes to it late, and for clocks that differ


class Guess(StrEnum):
    """What is guessed; the reason that an alarm has in the audit log."""

    TOKEN = "WRONG_TOKENS"  # noqa: S105 - a word
    DEVICE = "WRONG_DEVICES"
    PAIR = "WRONG_PAIRS"
    SIGN_IN = "WRONG_SIGN_INS"
    PASSWORD = "WRONG_PASSWORDS"  # noqa: S105

    __hash__ = str.__hash__  # that of Enum is written in Python, and every enrollment needs it


class Allowance(NamedTuple):
    """How many different wrong guesses of a kind a period has.

    `of_all` are those from all addresses together, after which every address has a
    `STRICT`th of `of_source` only.
    """

    of_source: int
    of_all: int


@dataclass(frozen=True, slots=True)
class GuessLimits:
    """How many different wrong guesses of one address are let through in a period.

    A device counts for each of its identifiers, a sign-in for its password as well.
    """

    wrong_tokens: int = 100
    wrong_devices: int = 30
    wrong_sign_ins: int = 50
    period: timedelta = PERIOD

    def allowance(self, kind: Guess) -> Allowance:
        """Give what the settings mean for guesses of a kind.

        Of one user's password half as much from an address as of all users' together,
        and from all addresses twice.
        """
        if kind is Guess.PASSWORD:
            return Allowance(max(1, self.wrong_sign_ins // 2), self.wrong_sign_ins * 2)
        each = {
            Guess.TOKEN: self.wrong_tokens,
            Guess.DEVICE: self.wrong_devices,
            Guess.PAIR: self.wrong_devices * PAIRS,
            Guess.SIGN_IN: self.wrong_sign_ins,
        }[kind]
        return Allowance(each, each * OF_ALL)
