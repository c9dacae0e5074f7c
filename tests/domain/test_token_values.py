"""The value of an enrollment token survives typing, and typing errors do not survive it."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain import token_values
from rollbook_server.domain.token_values import (
    ALPHABET,
    RANDOM_LENGTH,
    VALUE_LENGTH,
    grouped,
    new_value,
    normalise,
    obfuscate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random


def value_of(symbols: list[int]) -> str:
    return token_values._text([*symbols, *token_values._check_symbols(symbols)])


# Drawn by hypothesis, for new_value would draw another one in every replay.
values = st.lists(st.integers(0, 31), min_size=28, max_size=28).map(value_of)
places = st.integers(0, VALUE_LENGTH - 1)
characters = st.sampled_from(ALPHABET)


def put(value: str, place: int, character: str) -> str:
    return value[:place] + character + value[place + 1 :]


# TOKENS=1000000 takes a minute.
MANY = int(os.environ.get("TOKENS", "10000"))


def test_values_are_spread_evenly_and_no_place_tells_of_another() -> None:
    """Pearson's test of each place, and of each pair of neighbours: at 31 and 1,023 degrees.

    Chance passes the bounds once in some 10^9 tests.
    """
    made = [new_value() for _ in range(MANY)]
    assert len(set(made)) == MANY
    for place in range(RANDOM_LENGTH):
        assert deviation((value[place] for value in made), 32) < 130
    for place in range(RANDOM_LENGTH - 1):
        assert deviation((value[place : place + 2] for value in made), 32**2) < 1_023 + 7 * 45.3


def deviation(found: Iterable[str], kinds: int) -> float:
    """Give Pearson's chi-squared against an even spread over so many kinds."""
    counts = Counter(found)
    even = counts.total() / kinds
    missing = (kinds - len(counts)) * even
    return missing + sum((count - even) ** 2 / even for count in counts.values())


def test_whoever_knows_the_state_of_the_common_generator_knows_no_value() -> None:
    state, made = random.getstate(), set()
    for _ in range(2):
        random.seed(7)
        made.add(new_value())
    random.setstate(state)
    assert len(made) == 2


def test_a_new_value_is_thirty_characters_of_the_alphabet() -> None:
    value = new_value()

    assert len(value) == 30
    assert set(value) <= set(ALPHABET)
    assert not set("ILOU") & set(ALPHABET)


def test_a_new_value_has_at_least_128_bits_after_what_is_shown_of_it() -> None:
    shown = obfuscate(new_value()).rstrip("*")

    assert 5 * (RANDOM_LENGTH - len(shown)) >= 128


def test_new_values_differ_and_use_the_whole_alphabet_in_every_random_place() -> None:
    made = [new_value() for _ in range(3_000)]

    assert len(set(made)) == len(made)
    for place in range(VALUE_LENGTH):
        assert {value[place] for value in made} == set(ALPHABET)


def test_the_check_characters_never_change() -> None:
    """Tokens in use, printed and posted, must stay valid with every later version."""
    assert normalise("0123456789ABCDEFGHJKMNPQRSTVQE") == "0123456789ABCDEFGHJKMNPQRSTVQE"


@given(values)
def test_six_groups_of_five_are_shown_and_read_back(value: str) -> None:
    shown = grouped(value)

    assert [len(group) for group in shown.split("-")] == [5] * 6
    assert normalise(shown) == value


@given(values, st.randoms(use_true_random=False), st.sampled_from("- \t\n\u00a0\u2011\u2013"))
def test_case_hyphens_spaces_and_look_alikes_are_forgiven(
    value: str, random: Random, filler: str
) -> None:
    alike = {"0": "0Oo", "1": "1IiLl"}
    typed = [random.choice(alike.get(c, c + c.lower())) for c in value]

    assert normalise("".join(c + random.choice(["", filler]) for c in typed)) == value


@given(values, places, characters)
def test_one_wrong_character_is_always_caught(value: str, place: int, wrong: str) -> None:
    typed = put(value, place, wrong)

    assert normalise(typed) == (value if typed == value else None)


@given(values, places, places, characters, characters)
def test_two_wrong_characters_are_always_caught(
    value: str, first: int, second: int, wrong: str, other: str
) -> None:
    typed = put(put(value, first, wrong), second, other)

    assert normalise(typed) == (value if typed == value else None)


@given(values)
def test_any_two_characters_that_changed_places_are_always_caught(value: str) -> None:
    for first, second in itertools.combinations(range(VALUE_LENGTH), 2):
        typed = put(put(value, first, value[second]), second, value[first])
        assert normalise(typed) == (value if typed == value else None)


@given(values)
def test_the_check_characters_make_a_multiple_of_the_generator(value: str) -> None:
    """Reckoned another way: the value as a polynomial over GF(32) is 0 at 2 and at 4."""
    power, powers = 1, []
    for _ in range(31):
        powers.append(power)
        power = (power << 1) ^ (0b100101 if power & 16 else 0)

    for root in (1, 2):  # 2 is the first power of 2, 4 the second
        total = 0
        for degree, character in enumerate(reversed(value)):
            symbol = ALPHABET.index(character)
            if symbol:
                total ^= powers[(powers.index(symbol) + root * degree) % 31]
        assert total == 0


def test_groups_that_changed_places_are_nearly_always_caught() -> None:
    passed = 0
    for _ in range(2_000):
        groups = grouped(new_value()).split("-")
        passed += normalise("-".join([groups[1], groups[0], *groups[2:]])) is not None

    assert passed < 12  # 2 expected of 2,000 at 1 in 1,024


@given(values, places)
def test_a_missing_or_repeated_character_is_always_caught(value: str, place: int) -> None:
    assert normalise(value[:place] + value[place + 1 :]) is None
    assert normalise(value[: place + 1] + value[place:]) is None


@given(values, places, st.characters().filter(lambda c: not c.isspace()))
def test_what_is_not_of_the_alphabet_is_never_guessed(
    value: str, place: int, character: str
) -> None:
    typed = put(value, place, character)

    assert normalise(typed) in {value, None}


def test_letters_that_only_resemble_ours_are_refused() -> None:
    value = new_value()

    for stranger in "Uu\u0131\u017f\u0391\uff21\u0660\u00b9":
        for place in range(VALUE_LENGTH):
            assert normalise(put(value, place, stranger)) is None


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    canonical = normalise(text)

    assert canonical is None or normalise(canonical) == canonical


def test_a_very_long_text_is_refused_even_if_a_value_is_in_it() -> None:
    assert normalise(new_value() + " " * 1_000_000) is None


@given(values)
def test_the_obfuscated_form_shows_the_first_two_characters_only(value: str) -> None:
    assert obfuscate(value) == value[:2] + "***"
    assert obfuscate(grouped(value)) == obfuscate(value)
