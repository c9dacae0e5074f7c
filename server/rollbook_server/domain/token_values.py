"""The value of an enrollment token: made, read back from what a person typed, shown.

The canonical form, 30 characters in upper case without hyphens, is what is
digested and sealed; `grouped` gives the form that people see:

    7K3MQ-9XT2A-V4D0B-HZ8WN-C61RE-JP5YG

28 characters carry 140 random bits (the threat model asks for 128 and
`obfuscate` gives 10 away), the last two are check characters.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Douglas Crockford's base 32: without I, L, O, which look like digits, and
# without U, so that no common curse comes out by accident.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_LENGTH = 28  # times 5 bits: 140 bits
VALUE_LENGTH = RANDOM_LENGTH + 2
_GROUP_LENGTH = 5
_SHOWN_LENGTH = 2  # leaves 130 bits unknown
_TYPED_LIMIT = 128  # a longer text is no typing error; it is not even looked at

_SYMBOLS = {character: symbol for symbol, character in enumerate(ALPHABET)}
_SYMBOLS |= {"O": _SYMBOLS["0"], "I": _SYMBOLS["1"], "L": _SYMBOLS["1"]}
# Not str.upper: it would also take letters of other scripts for ours.
_SYMBOLS |= {character.lower(): symbol for character, symbol in _SYMBOLS.items()}
# Word processors and chats make typographic hyphens and spaces of typed ones.
_HYPHENS = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212")


def new_value() -> str:
    """Make a value in canonical form, 140 bits of it from the system's random source."""
    symbols = [secrets.randbelow(len(ALPHABET)) for _ in range(RANDOM_LENGTH)]
    return _text([*symbols, *_check_symbols(symbols)])


def normalise(text: str) -> str | None:
    """Give the canonical form of what a person typed, or None if it cannot be a value.

    Forgives case, hyphens, spaces, O for 0, and I and L for 1. Any one or two wrong
    characters, and so any two that changed places, are refused for certain; any
    other mistake passes with a probability of 1 in 1,024. So a typing error
    reaches neither the database nor the count of wrong attempts.
    """
    if len(text) > _TYPED_LIMIT:
        return None
    typed = [_SYMBOLS.get(c, -1) for c in text if c not in _HYPHENS and not c.isspace()]
    if len(typed) != VALUE_LENGTH or -1 in typed:
        return None
    random, check = typed[:RANDOM_LENGTH], typed[RANDOM_LENGTH:]
    return _text(typed) if _check_symbols(random) == check else None


def grouped(canonical: str) -> str:
    """Give the form that people read and type: six groups of five."""
    starts = range(0, len(canonical), _GROUP_LENGTH)
    return "-".join(canonical[start : start + _GROUP_LENGTH] for start in starts)


def obfuscate(value: str) -> str:
    """Give enough of a value to recognise it by; 130 bits stay secret.

    The check characters stay hidden too: they are made of the others.
    """
    return f"{value[:_SHOWN_LENGTH]}***"


def _check_symbols(symbols: Iterable[int]) -> list[int]:
    # The Reed-Solomon code over GF(32): what remains when the symbols are divided
    # by (x + 2)(x + 4), which is x^2 + 6x + 8. Two values differ in three places at
    # least, as long as they have at most 31 characters. With 1 for a root one check
    # would be a plain sum, blind to groups in the wrong order.
    high = low = 0
    for symbol in symbols:
        carry = symbol ^ high
        twice = _doubled(carry)
        fourfold = _doubled(twice)
        high, low = low ^ twice ^ fourfold, _doubled(fourfold)
    return [high, low]


def _doubled(symbol: int) -> int:
    # Multiplication by x in GF(32), modulo the primitive polynomial x^5 + x^2 + 1.
    return (symbol << 1) ^ 0b100101 if symbol & 0b10000 else symbol << 1


def _text(symbols: Iterable[int]) -> str:
    return "".join(ALPHABET[symbol] for symbol in symbols)
