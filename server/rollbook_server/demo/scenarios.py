"""The devices that switch on in the demo, and what each must be told.

The first four are the table of the seed; the rest is what an administrator asks
next. Data only: `enrollments` carries it out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rollbook import EnrollOutcome

REGISTERED = EnrollOutcome.REGISTERED
NOT_REGISTERED = EnrollOutcome.NOT_REGISTERED
SIGN_IN_REQUIRED = EnrollOutcome.SIGN_IN_REQUIRED


class Value(StrEnum):
    """How a presented value stands to the one on the roll, and the sign for it."""

    RIGHT = "✓"
    WRONG = "✗"
    OTHER_CASE = "Aa"
    SECOND = "2nd"
    NONE = "-"


RIGHT, WRONG, OTHER_CASE, SECOND, NONE = Value


class Scenario(NamedTuple):
    """What a device presents, and the outcome it must get.

    Without a token the device belongs to a tokenless profile, unless it strays.
    `again` means that the device of the scenario before comes once more.
    """

    title: str
    token: Value
    imei: Value
    serial_number: Value
    manufacturer: Value
    expected: EnrollOutcome
    again: bool = False
    strays: bool = False


LEGEND = "presented: ✓ right  ✗ wrong  Aa in other case  2nd the second IMEI  - nothing"

SCENARIOS = (
    Scenario("Seed 1", RIGHT, RIGHT, WRONG, WRONG, REGISTERED),
    Scenario("Seed 2", RIGHT, WRONG, RIGHT, RIGHT, REGISTERED),
    Scenario("Seed 3", RIGHT, WRONG, WRONG, RIGHT, NOT_REGISTERED),
    Scenario("Seed 4", RIGHT, WRONG, RIGHT, WRONG, NOT_REGISTERED),
    Scenario("Tokenless 1", NONE, RIGHT, WRONG, WRONG, REGISTERED),
    Scenario("Tokenless 2", NONE, WRONG, RIGHT, RIGHT, REGISTERED),
    Scenario("Tokenless 3", NONE, WRONG, WRONG, RIGHT, NOT_REGISTERED),
    Scenario("Tokenless 4", NONE, WRONG, RIGHT, WRONG, NOT_REGISTERED),
    Scenario("Other case", RIGHT, NONE, RIGHT, OTHER_CASE, REGISTERED),
    Scenario("Reset, again", RIGHT, NONE, RIGHT, RIGHT, REGISTERED, again=True),
    Scenario("Second IMEI", RIGHT, SECOND, NONE, NONE, REGISTERED),
    Scenario("Only a token", RIGHT, NONE, NONE, NONE, NOT_REGISTERED),
    Scenario("Wrong token", WRONG, RIGHT, RIGHT, RIGHT, SIGN_IN_REQUIRED),
    Scenario("No token", NONE, RIGHT, RIGHT, RIGHT, NOT_REGISTERED, strays=True),
)
