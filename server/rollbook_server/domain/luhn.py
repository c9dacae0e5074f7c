"""The check digit of an IMEI: one by one, and for a whole column at once."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CORE, IMEI = 14, 15  # digits: without and with the check digit
_DOUBLED = [sum(divmod(2 * digit, 10)) for digit in range(10)]


def _group_sums(*, doubled: tuple[int, ...]) -> dict[str, int]:
    """Give the Luhn sum of every group of three digits, in which some places are doubled."""
    sums = {}
    for digits in product(range(10), repeat=3):
        weights = [_DOUBLED[d] if place in doubled else d for place, d in enumerate(digits)]
        sums["".join(map(str, digits))] = sum(weights)
    return sums


# Groups of three keep the tables small enough to be made at import; the doubled
# places alternate from group to group.
_ODD_GROUP = _group_sums(doubled=(1,))
_EVEN_GROUP = _group_sums(doubled=(0, 2))

# For a column: bytes of ASCII digits become their weights.
_WEIGHTS = bytes(max(0, code - 48) % 10 for code in range(256))
_DOUBLED_WEIGHTS = bytes(_DOUBLED[weight] for weight in _WEIGHTS)
# 15 weights of at most 9 sum up to 135: a byte holds that without a carry.
_REMAINDERS = bytes(total % 10 for total in range(256))
_CHECK_DIGITS = bytes(48 + -total % 10 for total in range(256))


def luhn_holds(digits: str) -> bool:
    """Tell whether the last of 15 ASCII digits is the check digit of the others."""
    return _luhn_sum(digits) % 10 == 0


def luhn_excess(digits: str) -> int:
    """Tell by how much the last of 15 ASCII digits is too large; modulo 10, 0 if it is right."""
    return _luhn_sum(digits) % 10


def check_digit(core: str) -> str:
    """Give the 15th digit that belongs to the 14 decimal digits of a core."""
    return str(-_luhn_sum(core + "0") % 10)


def with_check_digits(cores: Sequence[str]) -> list[str]:
    """Give IMEIs of 15 digits for cores of decimal digits, other texts as they are."""
    joined = "".join(cores)
    if joined.isdigit() and len(joined) == CORE * len(cores) and all(cores):
        return list(map(str.__add__, cores, _check_digits(joined.encode())))
    return [core + check_digit(core) if core.isdigit() else core for core in cores]


def _check_digits(joined: bytes) -> str:
    """Give the check digits of many cores, as `luhn_holds_for_all` looks at many IMEIs."""
    count = len(joined) // CORE
    plain, doubled = joined.translate(_WEIGHTS), joined.translate(_DOUBLED_WEIGHTS)
    total = 0
    for place in range(CORE):
        weights = doubled if place % 2 else plain
        total += int.from_bytes(weights[place::CORE], "little")
    return total.to_bytes(count, "little").translate(_CHECK_DIGITS).decode()


def _luhn_sum(digits: str) -> int:
    odd, even = _ODD_GROUP, _EVEN_GROUP
    return (
        odd[digits[:3]]
        + even[digits[3:6]]
        + odd[digits[6:9]]
        + even[digits[9:12]]
        + odd[digits[12:]]
    )


def luhn_holds_for_all(joined: bytes) -> bool:
    """Tell the same of many numbers, written one after the other in ASCII digits."""
    remainders = _remainders(joined)
    return remainders.count(0) == len(remainders)


def luhn_failures(joined: bytes) -> list[tuple[int, int]]:
    """Give the indexes of those among many such numbers whose check digit is wrong.

    With each its `luhn_excess`.
    """
    return [pair for pair in enumerate(_remainders(joined)) if pair[1]]


def _remainders(joined: bytes) -> bytes:
    """Give the Luhn sums modulo 10 of many numbers, a byte each.

    Every place of the numbers is one long integer with a byte for each number, so
    that fifteen additions sum up all of them: a third of the time of one by one.
    """
    count = len(joined) // IMEI
    plain, doubled = joined.translate(_WEIGHTS), joined.translate(_DOUBLED_WEIGHTS)
    total = 0
    for place in range(IMEI):
        weights = doubled if place % 2 else plain
        total += int.from_bytes(weights[place::IMEI], "little")
    return total.to_bytes(count, "little").translate(_REMAINDERS)
